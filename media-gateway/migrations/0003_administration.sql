-- The administrators' changes, and what they set for the whole site. Times as in 0001.

INSERT INTO meta (name, value) VALUES ('site_version', 0);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    -- NULL: on the gateway's command line.
    by TEXT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- Names of fields, one a line.
    fields TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);

-- NULL: as the configuration says.
CREATE TABLE site (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    rules TEXT,
    no_answer_ms INTEGER,
    call_waiting INTEGER,
    hold_music TEXT,
    voicemail_message_s INTEGER,
    voicemail_quota_s INTEGER
);

INSERT INTO site (id) VALUES (1);

CREATE TRIGGER site_changed AFTER UPDATE ON site BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'site_version';
END;
