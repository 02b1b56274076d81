-- Times are milliseconds since 1970-01-01T00:00:00Z, UUIDs are their 16 bytes, words are those of crates/protocol.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('users_version', 0), ('invitations_version', 0);

CREATE TABLE users (
    user TEXT PRIMARY KEY,
    display_name TEXT NOT NULL,
    extension TEXT NOT NULL UNIQUE,
    telecommuter_allowed INTEGER NOT NULL,
    caller_number TEXT NOT NULL,
    caller_name TEXT,
    language TEXT,
    restrictions TEXT NOT NULL,
    dials_per_hour INTEGER NOT NULL,
    minutes_per_day INTEGER NOT NULL,
    user_no_answer_ms INTEGER NOT NULL,
    confirm INTEGER
) WITHOUT ROWID;

-- A running gateway asks for the version once a second; another process makes the change.
CREATE TRIGGER users_added AFTER INSERT ON users BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'users_version';
END;
CREATE TRIGGER users_changed AFTER UPDATE ON users BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'users_version';
END;
CREATE TRIGGER users_removed AFTER DELETE ON users BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'users_version';
END;

CREATE TABLE invitations (
    token_hash TEXT PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER invitations_added AFTER INSERT ON invitations BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'invitations_version';
END;

CREATE TABLE modes (
    user TEXT PRIMARY KEY REFERENCES users (user) ON DELETE CASCADE,
    mode TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE destinations (
    id BLOB PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    label TEXT NOT NULL,
    number TEXT NOT NULL,
    confirm INTEGER NOT NULL,
    position INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX destinations_by_user ON destinations (user, position);

CREATE TABLE commands (
    id BLOB PRIMARY KEY,
    user TEXT NOT NULL,
    digest BLOB NOT NULL,
    claimed_at INTEGER NOT NULL,
    reply TEXT
) WITHOUT ROWID;
CREATE INDEX commands_by_time ON commands (claimed_at);

CREATE TABLE calls_up (
    call BLOB PRIMARY KEY,
    user TEXT NOT NULL,
    direction TEXT NOT NULL,
    dialled TEXT NOT NULL,
    number TEXT NOT NULL,
    name TEXT,
    started_at INTEGER NOT NULL,
    connected_at INTEGER
) WITHOUT ROWID;

CREATE TABLE legs_up (
    call BLOB NOT NULL,
    position INTEGER NOT NULL,
    role TEXT NOT NULL,
    number TEXT NOT NULL,
    trunk TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ringing_at INTEGER,
    answered_at INTEGER,
    ended_at INTEGER,
    reason TEXT,
    class TEXT,
    q850 INTEGER,
    sip INTEGER,
    dialog TEXT,
    PRIMARY KEY (call, position)
) WITHOUT ROWID;

CREATE TABLE records (
    id BLOB PRIMARY KEY,
    user TEXT NOT NULL,
    direction TEXT NOT NULL,
    dialled TEXT NOT NULL,
    number TEXT NOT NULL,
    name TEXT,
    started_at INTEGER NOT NULL,
    connected_at INTEGER,
    ended_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    class TEXT NOT NULL,
    q850 INTEGER,
    sip INTEGER,
    ended_by TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX records_by_user ON records (user, started_at);
CREATE INDEX records_by_time ON records (started_at);

CREATE TABLE record_legs (
    call BLOB NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    role TEXT NOT NULL,
    number TEXT NOT NULL,
    trunk TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ringing_at INTEGER,
    answered_at INTEGER,
    ended_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    class TEXT NOT NULL,
    q850 INTEGER,
    sip INTEGER,
    PRIMARY KEY (call, position)
) WITHOUT ROWID;

-- Written and emptied again to find out whether a full disk has room.
CREATE TABLE probe (filler BLOB NOT NULL);
