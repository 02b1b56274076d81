-- Profiles that begin and end by the clock, as users set them; JSON as in the protocol. Times as in 0001.

CREATE TABLE schedules (
    user TEXT PRIMARY KEY REFERENCES users (user) ON DELETE CASCADE,
    schedule TEXT NOT NULL,
    -- Up to when it was carried out.
    carried_out INTEGER NOT NULL
) WITHOUT ROWID;
