"""The catalogue of log events: one line per name and sentence; a line of the log names its event from here.

Use: `logs.get(__name__).info(LogEvent.PROCESS_STARTED, parts=3)`. Add one: one line below, `NAME = "NAME", "sentence"`,
with a third `"trade"` for what belongs into trade.log as well.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

Category = Literal["", "trade"]


class LogEvent(StrEnum):
    """A log event; its text is its name, `about` says what has happened, `category` which shared file it joins."""

    about: str
    category: Category

    def __new__(cls, name: str, about: str, category: Category = "") -> Self:
        """Make the event from its line in the catalogue."""
        event = str.__new__(cls, name)
        event._value_ = name
        event.about = about
        event.category = category
        return event

    # the process
    PROCESS_STARTING = "PROCESS_STARTING", "settings are read, logs are open, parts start next"
    PROCESS_STARTED = "PROCESS_STARTED", "every part has started"
    PROCESS_STOPPING = "PROCESS_STOPPING", "a stop was asked for; parts stop in reverse order"
    PROCESS_STOPPED = "PROCESS_STOPPED", "every part has stopped; the process ends with this exit code"
    PROCESS_CRASHED = "PROCESS_CRASHED", "something unexpected happened; the process stops and says where"
    PROCESS_REFUSED = "PROCESS_REFUSED", "a person must change something before this process can run"
    PROCESS_KILLED = "PROCESS_KILLED", "a second signal came while stopping; the process ends at once"
    PART_STARTING = "PART_STARTING", "the next part starts"
    PART_STARTED = "PART_STARTED", "a part has started"
    PART_STOPPING = "PART_STOPPING", "a part stops"
    PART_STOPPED = "PART_STOPPED", "a part has stopped"
    PART_STOP_FORCED = "PART_STOP_FORCED", "a part did not stop in its time and was cut off"
    PART_STOP_FAILED = "PART_STOP_FAILED", "a part failed while it stopped; the others stop all the same"
    TASK_ENDED = "TASK_ENDED", "a background task has finished its work"
    TASK_FAILED = "TASK_FAILED", "a background task failed; the others go on"
    LOOP_ERROR = "LOOP_ERROR", "the event loop reports an error that nobody awaited"
    LOG_LINES_LOST = "LOG_LINES_LOST", "log lines could not be written (disk full or folder gone); writing works again"

    # dependencies
    DEPENDENCY_WAITING = "DEPENDENCY_WAITING", "a dependency does not answer yet; it is tried again"
    DEPENDENCY_READY = "DEPENDENCY_READY", "a dependency answers"
    DEPENDENCY_LOST = "DEPENDENCY_LOST", "a dependency that answered is away; it is tried until it is back"
    DEPENDENCY_GIVEN_UP = "DEPENDENCY_GIVEN_UP", "a dependency did not answer at start within the allowed tries"
    INSTRUMENTS_REMEMBERED = "INSTRUMENTS_REMEMBERED", "a venue does not list its instruments; those said last are used"
    BUS_CONNECTED = "BUS_CONNECTED", "the broker has acknowledged the first heartbeat of this process"
    BUS_DISCONNECTED = (
        "BUS_DISCONNECTED",
        "the broker does not acknowledge heartbeats; the next one follows in its time",
    )
    BUS_RECONNECTED = "BUS_RECONNECTED", "the broker acknowledges heartbeats again"
    PRODUCER_RECREATED = "PRODUCER_RECREATED", "an idempotent producer was stuck or fenced and has been replaced"

    # children of the supervisor
    CHILD_STARTED = "CHILD_STARTED", "a child process was started"
    CHILD_READY = "CHILD_READY", "a child process answers"
    CHILD_DIED = "CHILD_DIED", "a child process ended without being asked to"
    CHILD_RESTARTED = "CHILD_RESTARTED", "a child process that had died answers again"
    CHILD_STOPPED = "CHILD_STOPPED", "a child process ended as asked"
    CHILD_KILLED = "CHILD_KILLED", "a child process did not end in time and was killed"
    CHILD_FAILED = "CHILD_FAILED", "a child process keeps dying; it is not started again"

    # contracts and stores
    ACLS_CHANGED = "ACLS_CHANGED", "the broker's rules of who may do what were made those of the catalogue"
    BROKER_USER_SET = "BROKER_USER_SET", "a user of the broker was made, or given a new password"
    TOPIC_CREATED = "TOPIC_CREATED", "a topic of the catalogue did not exist and was created"
    SCHEMA_REGISTERED = "SCHEMA_REGISTERED", "a schema of the catalogue is in the registry under this id"
    MIGRATION_APPLIED = "MIGRATION_APPLIED", "a migration was applied"
    MIGRATION_REVERTED = "MIGRATION_REVERTED", "a migration was taken back"
    RECORDS_MISSED = "RECORDS_MISSED", "records were deleted by retention before they were read; reading goes on behind"
    DEAD_LETTER = "DEAD_LETTER", "a record could not be processed and was put aside with its reason"
    DEAD_LETTER_REPLAYED = "DEAD_LETTER_REPLAYED", "a dead letter was published to its topic again"

    # workers
    PARTITIONS_ASSIGNED = "PARTITIONS_ASSIGNED", "the group gave us these partitions; reading begins where it committed"
    PARTITIONS_REVOKED = "PARTITIONS_REVOKED", "the group took these partitions; what was not acknowledged comes again"
    COMMIT_REFUSED = "COMMIT_REFUSED", "the group has moved on, so our commit is not taken; the records come again"
    COMMIT_FAILED = "COMMIT_FAILED", "the broker did not take a commit; it is tried again"

    # venues' sockets
    SOCKET_OPEN = "SOCKET_OPEN", "a venue's socket is open; its streams are asked for next"
    SOCKET_LOST = "SOCKET_LOST", "a venue's socket was lost; it is opened again"
    SOCKET_AWAY = "SOCKET_AWAY", "a venue's socket could not be opened; it is tried until it can"

    # producers
    MARKET_FAILED = "MARKET_FAILED", "recording a market failed; it begins again from what is durable, the others go on"
    SYMBOL_NOT_LISTED = "SYMBOL_NOT_LISTED", "a symbol that is wished for is not listed on this market"
    STREAM_REFUSED = "STREAM_REFUSED", "the venue refused a subscription"
    TASKS_UNREACHED = "TASKS_UNREACHED", "Postgres is away, so the last tasks stay; it is tried again"
    NAME_TAKEN = "NAME_TAKEN", "another process bears this name and holds its leases; give this one another with --name"
    FRAME_BROKEN = "FRAME_BROKEN", "a frame broke its venue's contract and was put aside; the next ones go on"
    PROTOCOL_DRIFT = "PROTOCOL_DRIFT", "a venue sends what we do not know, or not what we need; told once an hour"

    # the executor's links to the venues
    VENUE_CLOCK_MOVED = "VENUE_CLOCK_MOVED", "a venue's clock, or ours, has jumped; requests carry the new time"
    VENUE_CLOCK_UNKNOWN = "VENUE_CLOCK_UNKNOWN", "a venue's clock could not be measured; the last measurement stands"
    PRIVATE_STREAM_OPEN = "PRIVATE_STREAM_OPEN", "a venue's private stream tells what happens to our orders"
    STREAM_KEY_FAILED = "STREAM_KEY_FAILED", "the key of a private stream was not renewed; it is tried again"
    PRIVATE_STREAM_LOST = "PRIVATE_STREAM_LOST", "a venue's private stream is over, for this reason"

    # the simulator
    MARKET_OPEN = "MARKET_OPEN", "a simulated exchange answers at these addresses and its market moves"

    # sinks
    SINK_TOOK_OVER = "SINK_TOOK_OVER", "a sink has a partition now; a range left pending is replayed first"
    SINK_GAVE_UP = "SINK_GAVE_UP", "the group took partitions away; what was under way is left to their next owner"
    SINK_REREAD = "SINK_REREAD", "records were left out by the fetch and are read again"

    # the executor
    LEASE_TAKEN = "LEASE_TAKEN", "the executor has the account now; it reconciles before it takes the first intent"
    LEASE_LOST = "LEASE_LOST", "another executor has the account; this one stops at once"
    RECONCILED = "RECONCILED", "ours and the venue's were compared and made to agree; so many repairs were needed"
    INTENT_REFUSED = "INTENT_REFUSED", "an intent was refused, with the code and the reason", "trade"
    CLOSING = "CLOSING", "the executor closes something of its own accord: after a restart, or at its stop", "trade"
    STEP_FAILED = "STEP_FAILED", "a venue or the store did not answer; the step is decided on again"
    PRIVATE_STREAM_ENDED = "PRIVATE_STREAM_ENDED", "a private stream has ended; its market is reconciled"
    PAIR_FAILED = "PAIR_FAILED", "one leg of a two-leg trade could not be closed; a person must look", "trade"
    KILL_SWITCH = "KILL_SWITCH", "the executor was told to halt: it opens nothing and cancels what is open", "trade"

    # the gateway
    GATEWAY_SERVING = "GATEWAY_SERVING", "the gateway listens at this address"
    WS_SERVER_STARTED = "WS_SERVER_STARTED", "clients may connect to the WebSocket at this address"
    CLIENT_CONNECTED = "CLIENT_CONNECTED", "a client has connected to the WebSocket; so many are connected now"
    CLIENT_DISCONNECTED = "CLIENT_DISCONNECTED", "a client is gone, with the code and the reason of its close"
    CLIENT_REFUSED = "CLIENT_REFUSED", "a client did not show the token and was sent away"

    # health
    HEARTBEAT_FILE_FAILED = "HEARTBEAT_FILE_FAILED", "the heartbeat file could not be written; the process looks unwell"
    TELEMETRY_SERVING = "TELEMETRY_SERVING", "metrics and health are served at this address"
    ALERT_RAISED = "ALERT_RAISED", "something that a person must see"
    ALERT_NOT_SENT = "ALERT_NOT_SENT", "an alert could not be published; it stands in this log"


EVENTS: tuple[LogEvent, ...] = tuple(LogEvent)
"""The catalogue: docs and tests read the same list."""
