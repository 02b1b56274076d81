-- Where calls go that users do not take, and their profiles, as users set them; JSON as in the protocol.

CREATE TABLE call_rules (
    user TEXT PRIMARY KEY REFERENCES users (user) ON DELETE CASCADE,
    rules TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE profiles (
    user TEXT NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    name TEXT NOT NULL,
    profile TEXT NOT NULL,
    PRIMARY KEY (user, name)
) WITHOUT ROWID;
