"""Every limit of Visavis: a named constant, its unit, its reason (docs/protocol.md, section 8).

Nothing is allocated, waited for or believed past one of these. Each is tested at the limit and one past it.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * 1024

# --- what a connection says before it is paired ------------------------------------------------------------

HELLO_BYTES: Final = 4 * KIB  # a hello is a few hundred bytes; the rest is room for fields to come
HELLO_SECONDS: Final = 10.0  # a slow modem needs two; a scanner that says nothing is let go
ANSWER_SECONDS: Final = 10.0  # a relay answers a hello at once; one that has not by then is not ours
ERROR_TEXT_CHARACTERS: Final = 200  # of an ERR0: one sentence, written by a stranger
LANE_NAME_CHARACTERS: Final = 64  # `audio.4294967295` is 16
HANDSHAKE_BYTES: Final = 4 * KIB  # PAK0 PRF0 KEX0 CNF0 NON0 are under 100 bytes, ERR0 and WAIT under 4 KiB
HANDSHAKE_SECONDS: Final = 10.0  # two round trips and a few milliseconds of arithmetic

# --- rooms and numbers -------------------------------------------------------------------------------------

NUMBER_MIN, NUMBER_MAX = 1000, 9999  # four digits are easy to say
LONG_NUMBER_MIN, LONG_NUMBER_MAX = 10000, 99999  # five when more than NUMBERS_IN_USE_SHARE are taken
NUMBERS_IN_USE_SHARE: Final = 0.1  # a guess then meets somebody one time in ten
NUMBER_RESERVED_SECONDS: Final = 600.0  # its owner may come back by `keep`
NUMBER_REST_SECONDS: Final = 3600.0  # not given out again: yesterday's code must not meet a stranger
WAIT_SECONDS: Final = 24 * 3600.0  # a connection that waits for the other side; people take hours
JOINS: Final = 30  # joins of one address in JOINS_SECONDS, then `limit`; those that pair count, they may be guesses
JOINS_SECONDS: Final = 60.0  # 30 a minute: 43,200 a day of guesses at numbers that are no secret
ADDRESS_CONNECTIONS: Final = 256  # of one address (IPv6: one /64); a laboratory sits behind one
ADDRESS_UNPAIRED: Final = 30  # of those, still waiting
NUMBERS_MADE: Final = 60  # `new` answered to one address in NUMBERS_MADE_SECONDS, then `limit`; a class starts at once
NUMBERS_MADE_SECONDS: Final = 60.0  # one address can't use up the 90,000 (a number is taken for 70 min at least)
ADDRESSES_COUNTED: Final = 10_000  # whose joins and numbers are counted; then the oldest is forgotten
LINGERING: Final = 32  # connections over a limit that are told so in peace, at once; the rest is closed at once
EXPIRY_SECONDS: Final = 30.0  # how often a relay looks for waits and numbers that are over
DESCRIPTORS_SPARE: Final = 64  # kept out of the connection limit: listeners, log, epoll, pipes being opened

# --- moving bytes ------------------------------------------------------------------------------------------

CHUNK_BYTES: Final = 512 * KIB  # moved at a time: large enough to be cheap, a fraction of a millisecond to move
PIPE_BYTES: Final = 512 * KIB  # of a kernel pipe: 0.27 CPU-s per GB; at 256 KiB 0.32, at 1 MiB 0.26 (bench/relay.py)
PIPES: Final = 128  # an unprivileged user has 16,384 pages in pipes: 128 of 128 pages
PLAIN_PIECE_BYTES: Final = 64 * KIB  # of a plain payload, held while it is sent
LIVE_CHUNK_BYTES: Final = 16 * KIB  # audio and video lanes: what the relay holds is delay
LIVE_SOCKET_BYTES: Final = 64 * KIB  # socket buffers of audio and video lanes, for the same reason
HALF_OPEN_SECONDS: Final = 60.0  # one side has said its end, the other says nothing more
LINGER_SECONDS: Final = 1.0  # after ERR0: read and drop, so that no reset overtakes the error
LINGER_BYTES: Final = 64 * KIB  # more than that is a flood, and not a client that was talking
DRAIN_SECONDS: Final = 30.0  # default of `visavis relay --drain`
KEEPALIVE_IDLE_SECONDS: Final = 25  # under the 30 s of the shortest home routers
KEEPALIVE_INTERVAL_SECONDS: Final = 10  # with three probes a dead machine is known after a minute
KEEPALIVE_PROBES: Final = 3  # one lost packet is no dead machine
LOG_LINES: Final = 10_000  # that wait for who reads the relay's log; about 1 MB, then lines are dropped
LOG_FLUSH_SECONDS: Final = 1.0  # at the end, for the lines that wait
LOBBY_SILENCE_SECONDS: Final = 0.25  # an original client says nothing after connecting; ours speaks at once

# --- what a packet may hold --------------------------------------------------------------------------------

CHAT_BYTES: Final = 64 * KIB  # one message, UTF-8
CONTROL_BYTES: Final = 1 * MIB  # one CTL0, MSG0, or packet of the local socket
AUDIO_FRAME_BYTES: Final = 64 * KIB  # two seconds of the original's PCM
DEVICE_CHARACTERS: Final = 1000  # of a sound device's name; the longest seen have 120
VOLUME: Final = 400  # percent: 12 dB louder than it came; above that everything is clipped
BANDS: Final = 16  # of a spectrum: as many as fit beside a level, and as 20 ms tell apart
VIDEO_FRAME_BYTES: Final = 16 * MIB  # one JPEG of a large camera at quality 95
VIDEO_SIDE: Final = 8192  # pixels of a picture's width or height: 8K is 7680 x 4320
VIDEO_PIXELS: Final = 36 * 1000 * 1000  # of one picture, 8K and a little: a decoder takes 3 bytes for each
VIDEO_RATE: Final = 120.0  # frames a second that one may ask for; a camera gives 30 or 60
QUALITY_MIN, QUALITY_MAX = 10, 95  # of a JPEG, as the original's slider
PICTURE_COLUMNS: Final = 1600  # cells of a picture for a terminal; as many halves high as wide if it draws pixels
PICTURE_ROWS: Final = 800  # the same, downwards
PICTURE_CELLS: Final = 160 * 1000  # of one picture: a 4K screen in a small font is 80,000, 754 x 424 pixels these
PICTURE_BYTES: Final = PICTURE_CELLS * 4 + KIB  # a picture in cells, to a screen
FILE_CHUNK_BYTES: Final = 1 * MIB  # larger ones would only hold up what comes after them
SMALL_CHUNK_BYTES: Final = 64 * KIB  # of a file, on a slow link: progress goes in steps of this
PLAIN_IMAGE_BYTES: Final = 64 * MIB  # IMG0, in plain mode only
PLAIN_VIDEO_BYTES: Final = 64 * MIB  # VH26, in plain mode only: a group of H.263 frames
PLAIN_RESERVE_BYTES: Final = 64 * MIB  # free on the disk after a file in plain mode: nobody is asked before it comes
FILE_HEADER_BYTES: Final = 64 * KIB  # FHD0: a name and a few numbers as JSON
SEAL_OVERHEAD_BYTES: Final = 4 + 16  # inner type and GCM tag: a SEAL packet under this is refused
NAME_CHARACTERS: Final = 64  # a display name

# --- a session ---------------------------------------------------------------------------------------------

MEDIA_HEARTBEAT_SECONDS: Final = 0.1  # while media flow: what a queue does in a second must be seen
HEARTBEAT_SECONDS: Final = 5.0  # three of them fit into LOST_SECONDS
LOST_SECONDS: Final = 20.0  # three heartbeats missed and a slow round trip
RECONNECT_MIN_SECONDS: Final = 0.25  # a relay that restarts is back in a second
RECONNECT_MAX_SECONDS: Final = 10.0  # people look at the screen that long
EPOCH_HELD_SECONDS: Final = 10.0  # an epoch this long makes the next wait short again
SHORT_EPOCHS: Final = 3  # cut this often within EPOCH_HELD_SECONDS: open elsewhere
ELSEWHERE_SECONDS: Final = 60.0  # two that replace each other would go on for ever
SLEEP_SECONDS: Final = 5.0  # CLOCK_BOOTTIME ahead of the monotonic clock: the machine slept
OUT_OF_REACH_SECONDS: Final = 24 * 3600.0  # an engine goes on trying this long
PAIR_RETRY_SECONDS: Final = 30.0  # a joiner whose lane broke before its proof tries again
BURNED_SECONDS: Final = 7 * 24 * 3600.0  # a code that was proved is refused this long
PEER_ABSENT_SECONDS: Final = 30.0  # nobody in the session room for this long: the joiner says so
UNPROVEN_TRIES: Final = 5  # ends before a proof, then the maker gives its number up
LANE_SECONDS: Final = 30.0  # the other's connection of a lane is not there by then: closed
LANE_COUNTER_END: Final = 2**32  # a lane ends before its nonce counter gets here (AES-GCM)
GAP_TRIES: Final = 3  # the same gap in the numbers three times ends the call
HEARTBEATS_KEPT: Final = 30  # the clock offset is that of the best of these
OUTBOX_MESSAGES: Final = 1000  # accepted and not yet delivered; one more is refused with a sentence
OUTBOX_BYTES: Final = 4 * MIB  # 64 messages of the greatest size
PLAIN_TEXTS: Final = 64  # plain: queued behind a peer that does not read; one more is refused

# --- files -------------------------------------------------------------------------------------------------

OPEN_OFFERS: Final = 16  # of one peer, neither answered nor over; one more is refused by both sides
OPEN_TRANSFERS: Final = 64  # of one peer, not over, those that were accepted included: a screen is told of all at once
OFFER_PATHS: Final = 1000  # files and folders named in one OfferFiles: what a shell's pattern makes of a full folder
OFFER_NAMES: Final = 100  # of the list, in the offer itself, to be shown at once
OFFER_NAMES_BYTES: Final = 32 * KIB  # of those; a list of the longest paths would fill the outbox
SHOWN_NAMES_BYTES: Final = 2 * KIB  # of those, to a screen at once: 32 open offers fit one packet; ListOffer has all
OFFER_ENTRIES: Final = 1_000_000  # of one list; a home folder has 200,000
PATH_BYTES: Final = 4 * KIB  # of one path in a list, UTF-8: PATH_MAX of Linux
PATH_DEPTH: Final = 64  # folders in one path; deeper ones are a loop or an attack
FILE_BYTES: Final = 2**53  # of one file: its blocks are numbered in 32 bits
FILE_NAME_BYTES: Final = 255  # of one name on disk, UTF-8: NAME_MAX of every file system here
NAME_TRIES: Final = 1000  # "name (1)" to "name (999)", then the entry is given up
LIST_PAGE_BYTES: Final = 256 * KIB  # of one LST0: some thousand entries
LISTS_BYTES: Final = 256 * MIB  # of the lists of a peer's transfers that are not over, on our disk
LISTED_ENTRIES: Final = 500  # in one answer to ListOffer; a screen shows 60
LISTED_BYTES: Final = 100 * KIB  # of paths in it: with every character escaped under CONTROL_BYTES
PART_PATTERNS: Final = 1000  # names and patterns of a part
PART_RANGES: Final = 20_000  # runs of entries in an answer: 400 KiB of control
BLOCK_BYTES: Final = 4 * MIB  # with a hash each: what a lost connection costs, what a journal keeps 36 bytes for
SMALL_FILE_BYTES: Final = 64 * KIB  # up to here a file travels whole, beside others, without a block of its own
NOTES: Final = 100  # entries of one transfer that are told of by name
TRANSFERS_KEPT: Final = 50  # that are over, for screens that come later
STALL_SECONDS: Final = 3.0  # nothing moves for so long: it is said, with why
LANE_STALL_SECONDS: Final = 120.0  # nothing moves though the peer is there: its connection may be dead, try another
MEDIA_PROGRESS_SECONDS: Final = 0.02  # between two words on what has come, while media flow: a window is held by it
PROGRESS_SECONDS: Final = 0.2  # between two reports of what the receiver has; people see no more
SYNC_BYTES: Final = 64 * MIB  # written, then fdatasync, then the journal
SYNC_SECONDS: Final = 2.0  # or after so long
STREAM_BYTES: Final = 4 * BLOCK_BYTES  # of standard input, kept until the receiver has it: it can't be read twice

# --- engine and screens ------------------------------------------------------------------------------------

SCREEN_MAILBOX_BYTES: Final = 1 * MIB  # what a screen may be behind; one that stalls is let go
SCREENS: Final = 16  # attached to one engine
CONVERSATION_LINES: Final = 10_000  # kept by an engine for screens that come later
CONVERSATION_BYTES: Final = 8 * MIB  # an engine stays small, whatever is pasted into it
SKIPPED_REPORT_SECONDS: Final = 1.0  # plain: counts of what is not shown; twenty frames a second come
UNWATCHED_SECONDS: Final = 120.0  # an engine with no screen, no code that waits and no session ends
SOCKET_PATH_BYTES: Final = 104  # sun_path of macOS, the shortest
ADDRESS_CHARACTERS: Final = 300  # HOST:PORT: a host name has 253 at most
LINE_ID_CHARACTERS: Final = 64  # the id a screen gives a message
CODE_CHARACTERS: Final = 256  # of a code as typed or pasted; a real one is under 40
