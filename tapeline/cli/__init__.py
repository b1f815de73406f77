"""The command line: reads settings and the run file, calls the layers below, answers a person or a program."""
