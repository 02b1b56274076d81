-- How often an administrator has set call settings, forwarding, profiles or a schedule for the user: a running gateway
-- takes over what is stored then. What users set themselves it stores, and need not be told.
ALTER TABLE users ADD COLUMN treatment_version INTEGER NOT NULL DEFAULT 0;

-- Name of the IANA; NULL: as the configuration says.
ALTER TABLE site ADD COLUMN time_zone TEXT;
