-- Calls that users have recorded are kept beside their messages; NULL: what a caller left.
ALTER TABLE messages ADD COLUMN call BLOB;
CREATE INDEX messages_by_call ON messages (call) WHERE call IS NOT NULL;

-- Whether a user may have calls recorded, where the site leaves that to each user's right.
ALTER TABLE users ADD COLUMN recording_allowed INTEGER NOT NULL DEFAULT 0;

-- 'never', 'everyone' or 'permitted'; NULL: as the configuration says.
ALTER TABLE site ADD COLUMN call_recording TEXT;
