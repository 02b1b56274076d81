-- How a directory elsewhere (LDAP) is asked, where there is one. What the gateway looks at again is the site's version.
CREATE TABLE external_directory (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- JSON, as docs/protocol.md has it.
    settings TEXT NOT NULL,
    -- What the gateway proves itself with there: it must be able to say it, so it stands here as it is.
    password TEXT
);

CREATE TRIGGER external_directory_set AFTER INSERT ON external_directory BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'site_version';
END;
CREATE TRIGGER external_directory_removed AFTER DELETE ON external_directory BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'site_version';
END;
