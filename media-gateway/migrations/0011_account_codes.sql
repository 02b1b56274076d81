-- What calls can be booked to: clients, matters. Times as in 0001.

INSERT INTO meta (name, value) VALUES ('account_codes_version', 0);

CREATE TABLE account_codes (
    -- 1 to 16 digits.
    code TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    active INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER account_codes_added AFTER INSERT ON account_codes BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'account_codes_version';
END;
CREATE TRIGGER account_codes_changed AFTER UPDATE ON account_codes BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'account_codes_version';
END;
CREATE TRIGGER account_codes_removed AFTER DELETE ON account_codes BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'account_codes_version';
END;

-- 'off', 'optional' or 'required'; NULL: as the configuration says.
ALTER TABLE site ADD COLUMN account_codes TEXT;

-- What a call is booked to, and what that was called then; NULL: nothing. An empty name: the site has no list.
ALTER TABLE calls_up ADD COLUMN account_code TEXT;
ALTER TABLE calls_up ADD COLUMN account_name TEXT;
ALTER TABLE records ADD COLUMN account_code TEXT;
ALTER TABLE records ADD COLUMN account_name TEXT;
CREATE INDEX records_by_account ON records (account_code, started_at) WHERE account_code IS NOT NULL;
