-- Each user's own directory. The numbers are JSON as in the protocol; those of the public network are in E.164.

CREATE TABLE contacts (
    user TEXT NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    organisation TEXT NOT NULL,
    numbers TEXT NOT NULL,
    favourite INTEGER NOT NULL,
    notes TEXT NOT NULL,
    PRIMARY KEY (user, id)
) WITHOUT ROWID;

-- How often each user's directory has changed.
CREATE TABLE contact_books (
    user TEXT PRIMARY KEY REFERENCES users (user) ON DELETE CASCADE,
    version INTEGER NOT NULL
) WITHOUT ROWID;

-- Whether the user may take over a call that rings for a colleague.
ALTER TABLE users ADD COLUMN pick_up_allowed INTEGER NOT NULL DEFAULT 1;
