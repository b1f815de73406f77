"""Every key is listed with its value; a secret never is."""

from __future__ import annotations

from pathlib import Path

from tapeline.cli.render import to_json
from tapeline.cli.settings_view import Key, known_keys
from tapeline.runtime.settings import keys, load


def test_all_keys_of_the_catalogue_are_shown_with_their_values(tmp_path: Path) -> None:
    found = known_keys(load(tmp_path, environ={"TAPELINE_KAFKA__REPLICATION": "3"}))
    assert [(key.key, key.description) for key in found] == list(keys())
    by_name = {key.key: key for key in found}
    assert by_name["kafka.replication"] == Key(
        key="kafka.replication",
        value=3,
        default=1,
        description=dict(keys())["kafka.replication"],
        environment="TAPELINE_KAFKA__REPLICATION",
    )
    assert by_name["data.dir"].value == str(tmp_path / ".tapeline")


def test_a_secret_is_masked_and_an_unset_one_is_null(tmp_path: Path) -> None:
    found = known_keys(load(tmp_path, environ={"TAPELINE_DATABASE__PASSWORD": "hunter2"}))
    shown = {key.key: key.value for key in found if key.key.endswith("password")}
    assert (shown["database.password"], shown["kafka.password"]) == ("***", None)
    assert "hunter2" not in to_json(found)
