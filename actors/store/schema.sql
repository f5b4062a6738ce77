-- What survives an engine. Times are UNIX seconds; numbers and names of transfers are those of docs/protocol.md, 6.

-- One offer, sent or received. `session` is the room of its session, `number` what both sides call it.
CREATE TABLE transfer (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: somebody may still hold an old one
    session  TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    mine     INTEGER NOT NULL,              -- 1: we send
    made_at  REAL    NOT NULL,
    sources  TEXT,                          -- mine: JSON, top name -> full path
    folder   TEXT,                          -- theirs: where it goes, full path
    token    TEXT,                          -- theirs: stands in the names of its partial files
    partial  TEXT    NOT NULL DEFAULT '',   -- theirs: the hidden name of the file that is under way
    tops     TEXT,                          -- theirs: JSON, offered top name -> its name on disk
    runs     TEXT,                          -- JSON, the runs of entries that were taken; NULL: all
    entry    INTEGER NOT NULL DEFAULT 0,    -- theirs: what comes next is block `block` of entry `entry`
    block    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (session, mine, number)          -- both sides of a session may share this file
);

-- The list. `inode` is the sender's, to see that a file is still the one that was offered.
CREATE TABLE entry (
    transfer INTEGER NOT NULL REFERENCES transfer (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    path     TEXT    NOT NULL,              -- mine: as on our disk; theirs: cleaned, unique in the list
    kind     TEXT    NOT NULL,              -- file, program, folder, stream
    size     INTEGER,                       -- NULL: a stream
    modified INTEGER NOT NULL,              -- ns
    inode    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (transfer, number)
) WITHOUT ROWID;

-- Theirs: no two entries of a list may land on the same name.
CREATE UNIQUE INDEX entry_place ON entry (transfer, path);

-- Blocks of the file that is under way, so that it can go on without reading all of it again. A block that was not
-- synced counts only in the boot that it was written in; in a later one it is read, and its hash compared.
CREATE TABLE block (
    transfer INTEGER NOT NULL REFERENCES transfer (id) ON DELETE CASCADE,
    entry    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    hash     BLOB    NOT NULL,
    boot     TEXT    NOT NULL DEFAULT '',
    synced   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (transfer, entry, number)
) WITHOUT ROWID;
