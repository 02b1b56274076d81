-- Desk telephones, incoming calls, voicemail, presence, groups. Times, UUIDs and words as in 0001.

INSERT INTO meta (name, value) VALUES ('devices_version', 0), ('dids_version', 0);

-- Restrictions that several users share, after each user's own and before the site's.
CREATE TABLE groups (
    name TEXT PRIMARY KEY,
    restrictions TEXT NOT NULL
) WITHOUT ROWID;

ALTER TABLE users ADD COLUMN call_waiting_allowed INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN voicemail_allowed INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN administrator INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN pin_hash TEXT;
ALTER TABLE users ADD COLUMN email TEXT;
ALTER TABLE users ADD COLUMN group_name TEXT REFERENCES groups (name);

-- A group's rules are part of what its users may dial.
CREATE TRIGGER groups_changed AFTER UPDATE ON groups BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'users_version';
END;

-- What users set themselves, apart from `users`: the gateway changes it, and need not be told.
CREATE TABLE call_settings (
    user TEXT PRIMARY KEY REFERENCES users (user) ON DELETE CASCADE,
    no_answer_ms INTEGER NOT NULL,
    voicemail INTEGER NOT NULL,
    call_waiting INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE presences (
    user TEXT PRIMARY KEY REFERENCES users (user) ON DELETE CASCADE,
    availability TEXT NOT NULL,
    status TEXT NOT NULL,
    status_until INTEGER,
    since INTEGER NOT NULL
) WITHOUT ROWID;

-- HA1 of RFC 7616 section 3.4.2, in lower-case hexadecimal; it holds for the one realm.
CREATE TABLE devices (
    device TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    owner TEXT REFERENCES users (user) ON DELETE SET NULL,
    hot_desk INTEGER NOT NULL,
    realm TEXT NOT NULL,
    ha1_md5 TEXT NOT NULL,
    ha1_sha256 TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX devices_by_owner ON devices (owner);

CREATE TRIGGER devices_added AFTER INSERT ON devices BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'devices_version';
END;
CREATE TRIGGER devices_changed AFTER UPDATE ON devices BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'devices_version';
END;
CREATE TRIGGER devices_removed AFTER DELETE ON devices BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'devices_version';
END;

-- A row without a user: nobody is logged on. No row: nothing but the telephone's owner was ever said.
CREATE TABLE logons (
    device TEXT PRIMARY KEY REFERENCES devices (device) ON DELETE CASCADE,
    user TEXT REFERENCES users (user) ON DELETE SET NULL
) WITHOUT ROWID;
CREATE INDEX logons_by_user ON logons (user);

-- All bindings of one telephone's account, as the SIP layer writes them.
CREATE TABLE bindings (
    device TEXT PRIMARY KEY REFERENCES devices (device) ON DELETE CASCADE,
    bindings TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE dids (
    number TEXT PRIMARY KEY,
    extension TEXT NOT NULL,
    label TEXT,
    trunk TEXT
) WITHOUT ROWID;

CREATE TRIGGER dids_added AFTER INSERT ON dids BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'dids_version';
END;
CREATE TRIGGER dids_changed AFTER UPDATE ON dids BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'dids_version';
END;
CREATE TRIGGER dids_removed AFTER DELETE ON dids BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'dids_version';
END;

-- What was saved before numbers were verified stays usable.
ALTER TABLE destinations ADD COLUMN verified INTEGER NOT NULL DEFAULT 1;

-- The code that a verification call has spoken last.
CREATE TABLE destination_codes (
    destination BLOB PRIMARY KEY REFERENCES destinations (id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    tries_left INTEGER NOT NULL
) WITHOUT ROWID;

-- `file` starts at the folder of the recordings.
CREATE TABLE messages (
    id BLOB PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    number TEXT NOT NULL,
    name TEXT,
    received_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    heard INTEGER NOT NULL,
    deleted_until INTEGER,
    waveform BLOB NOT NULL,
    file TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX messages_by_user ON messages (user, received_at);
CREATE INDEX messages_in_bin ON messages (deleted_until) WHERE deleted_until IS NOT NULL;

ALTER TABLE legs_up ADD COLUMN device TEXT;
-- Which side sent the INVITE, as seen from the gateway.
ALTER TABLE legs_up ADD COLUMN direction TEXT NOT NULL DEFAULT 'outgoing';
ALTER TABLE record_legs ADD COLUMN device TEXT;
ALTER TABLE records ADD COLUMN message BLOB;
