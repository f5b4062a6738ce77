"""The packet and the hello: whole, in pieces, with more behind, and wrong in every way."""

import itertools
import json
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import limits, wire
from relay.wire import Decoder, Hello, Packet, ProtocolError, encode, parse_hello

TABLES: list[Mapping[bytes, int]] = [wire.HANDSHAKE_LIMITS, wire.PLAIN_LIMITS, wire.LOCAL_LIMITS]
EVERY_TYPE = [(packet_type, table) for table in TABLES for packet_type in table]
SIDE, ROOM = "5" * 32, "c" * 32


def decode_all(decoder: Decoder) -> list[Packet]:
    packets = []
    while (packet := decoder.next_packet()) is not None:
        packets.append(packet)
    return packets


def payload_for(packet_type: bytes, table: Mapping[bytes, int]) -> bytes:
    return b"payload"[: table[packet_type]]


class TestDecoder:
    def test_the_header_is_that_of_the_original(self) -> None:
        assert encode(wire.TEXT, b"hi") == b"TEX0" + (2).to_bytes(8, "big") + b"hi"

    @pytest.mark.parametrize(("packet_type", "table"), EVERY_TYPE)
    def test_whole(self, packet_type: bytes, table: Mapping[bytes, int]) -> None:
        payload = payload_for(packet_type, table)
        decoder = Decoder(table)
        decoder.feed(encode(packet_type, payload))
        assert decode_all(decoder) == [Packet(packet_type, payload)]
        assert decoder.held == 0

    @pytest.mark.parametrize(("packet_type", "table"), EVERY_TYPE)
    def test_byte_by_byte(self, packet_type: bytes, table: Mapping[bytes, int]) -> None:
        payload = payload_for(packet_type, table)
        data = encode(packet_type, payload)
        decoder = Decoder(table)
        for byte in data[:-1]:
            decoder.feed(bytes([byte]))
            assert decoder.next_packet() is None
        decoder.feed(data[-1:])
        assert decode_all(decoder) == [Packet(packet_type, payload)]

    @pytest.mark.parametrize(("packet_type", "table"), EVERY_TYPE)
    def test_with_trailing_bytes(self, packet_type: bytes, table: Mapping[bytes, int]) -> None:
        payload = payload_for(packet_type, table)
        decoder = Decoder(table)
        decoder.feed(encode(packet_type, payload) + b"AUD")
        assert decode_all(decoder) == [Packet(packet_type, payload)]
        assert decoder.held == 3
        assert decoder.take_rest() == b"AUD"
        assert decoder.held == 0

    @given(
        packets=st.lists(st.tuples(st.sampled_from([wire.TEXT, wire.AUDIO, wire.VIDEO]), st.binary(max_size=300))),
        cuts=st.lists(st.integers(0, 2000)),
    )
    def test_however_the_stream_is_cut(self, packets: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
        stream = b"".join(encode(*packet) for packet in packets)
        places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
        decoder = Decoder(wire.PLAIN_LIMITS)
        found = []
        for start, end in itertools.pairwise(places):
            decoder.feed(memoryview(stream)[start:end])
            found += decode_all(decoder)
        assert found == [Packet(*packet) for packet in packets]
        assert decoder.held == 0

    @given(
        sizes=st.lists(
            st.sampled_from([0, 5, wire.LARGE_BYTES - 1, wire.LARGE_BYTES, 2 * wire.LARGE_BYTES]), max_size=6
        ),
        steps=st.lists(st.tuples(st.booleans(), st.sampled_from([1, 11, 12, 13, 1000, 65_536, 200_000])), min_size=1),
    )
    def test_large_payloads_are_read_where_they_stay_or_fed_as_it_comes(
        self, sizes: list[int], steps: list[tuple[bool, int]]
    ) -> None:
        sent = [Packet(wire.IMAGE, bytes([n + 1]) * size) for n, size in enumerate(sizes)]
        stream = memoryview(b"".join(encode(packet.type, packet.payload) for packet in sent))
        decoder, found, taken = Decoder(wire.PLAIN_LIMITS), [], 0
        for directly, step in itertools.cycle(steps):
            if not stream:
                break
            rest = decoder.rest()
            if directly and rest is not None:
                size = min(step, len(rest), len(stream))
                rest[:size] = stream[:size]
                decoder.filled(size)
            else:
                size = min(step, len(stream))
                decoder.feed(stream[:size])
            stream = stream[size:]
            taken += size
            found += decode_all(decoder)
            passed = sum(wire.HEADER.size + len(packet.payload) for packet in found)
            assert decoder.held == taken - passed
        assert found == sent
        assert decoder.rest() is None

    def test_before_a_large_payload_has_begun_there_is_nothing_to_read_into(self) -> None:
        decoder = Decoder(wire.PLAIN_LIMITS)
        assert decoder.rest() is None
        decoder.feed(encode(wire.IMAGE, bytes(wire.LARGE_BYTES))[:-1])
        assert decoder.rest() is None
        assert decoder.next_packet() is None
        rest = decoder.rest()
        assert rest is not None
        assert len(rest) == 1

    @given(st.lists(st.binary(max_size=64)))
    def test_any_bytes_give_packets_or_a_protocol_error(self, pieces: list[bytes]) -> None:
        decoder = Decoder(wire.HANDSHAKE_LIMITS)
        with suppress(ProtocolError):
            for piece in pieces:
                decoder.feed(piece)
                assert all(packet.type in wire.HANDSHAKE_LIMITS for packet in decode_all(decoder))

    @pytest.mark.parametrize(("packet_type", "table"), EVERY_TYPE)
    def test_a_size_one_past_its_limit_is_refused_by_its_header(
        self, packet_type: bytes, table: Mapping[bytes, int]
    ) -> None:
        decoder = Decoder(table)
        decoder.feed(struct.pack("!4sQ", packet_type, table[packet_type]))
        assert decoder.next_packet() is None or table[packet_type] == 0
        decoder = Decoder(table)
        decoder.feed(struct.pack("!4sQ", packet_type, table[packet_type] + 1))
        with pytest.raises(ProtocolError, match="too-large"):
            decoder.next_packet()

    def test_a_size_of_2_to_the_63_is_refused(self) -> None:
        decoder = Decoder(wire.PLAIN_LIMITS)
        decoder.feed(struct.pack("!4sQ", wire.IMAGE, 2**63))
        with pytest.raises(ProtocolError, match="too-large"):
            decoder.next_packet()

    def test_a_type_that_has_no_place_here_is_refused(self) -> None:
        decoder = Decoder(wire.HANDSHAKE_LIMITS)
        decoder.feed(encode(wire.SEAL, b""))
        with pytest.raises(ProtocolError, match="unknown-type"):
            decoder.next_packet()

    def test_an_error_stays(self) -> None:
        decoder = Decoder(wire.HANDSHAKE_LIMITS)
        decoder.feed(b"\x1b[2J" + bytes(8))
        for _ in range(2):
            with pytest.raises(ProtocolError) as caught:
                decoder.next_packet()
            assert "\x1b" not in str(caught.value)
            decoder.feed(encode(wire.PAIR))


class TestHello:
    @pytest.mark.parametrize(
        "hello",
        [
            Hello("new", SIDE),
            Hello("join", SIDE, "1234"),
            Hello("keep", SIDE, "12345"),
            Hello("room", SIDE, ROOM, "file.1"),
            Hello("room", SIDE, ROOM, "a" * limits.LANE_NAME_CHARACTERS),
        ],
    )
    def test_comes_back_as_it_was(self, hello: Hello) -> None:
        decoder = Decoder(wire.HANDSHAKE_LIMITS)
        decoder.feed(hello.encode())
        [packet] = decode_all(decoder)
        assert packet.type == wire.HELLO
        assert parse_hello(packet.payload) == hello

    def test_unknown_fields_are_ignored(self) -> None:
        fields = {"v": 1, "want": "new", "side": SIDE, "lane": "pair", "colour": "blue"}
        assert parse_hello(json.dumps(fields).encode()) == Hello("new", SIDE)

    @pytest.mark.parametrize(
        "changed",
        [
            {"v": None},
            {"v": True},
            {"v": 1.0},
            {"want": "give"},
            {"want": ["room"]},
            {"want": None},
            {"side": "5" * 31},
            {"side": "5" * 33},
            {"side": "5" * 32 + "\n"},
            {"side": "G" * 32},
            {"side": "A" * 32},
            {"side": 5},
            {"side": "\ud800" * 32},
            {"lane": ""},
            {"lane": "a" * (limits.LANE_NAME_CHARACTERS + 1)},
            {"lane": "File"},
            {"lane": "a b"},
            {"lane": 1},
            {"room": "1234"},
            {"room": "c" * 31},
            {"room": 1234},
            {"room": None},
            {"want": "join", "lane": "pair"},
            {"want": "join", "room": "1234"},
            {"want": "join", "lane": "pair", "room": "123"},
            {"want": "keep", "lane": "pair", "room": "123456"},
            {"want": "keep", "lane": "pair", "room": "٣٣٣٣"},
            {"want": "new"},
        ],
    )
    def test_a_wrong_field_is_a_protocol_error(self, changed: dict[str, object]) -> None:
        fields = {"v": 1, "want": "room", "room": ROOM, "side": SIDE, "lane": "main.0"}
        parse_hello(json.dumps(fields).encode())
        with pytest.raises(ProtocolError) as caught:
            parse_hello(json.dumps(fields | changed).encode())
        assert caught.value.code == "hello"

    @pytest.mark.parametrize("version", [0, 2, 10**30])
    def test_another_version_is_named(self, version: int) -> None:
        with pytest.raises(ProtocolError) as caught:
            parse_hello(json.dumps({"v": version}).encode())
        assert caught.value.code == "version"

    @pytest.mark.parametrize(
        "payload",
        [b"", b"null", b"[]", b"7", b'"v"', b"\xff\xfe", b"[" * 4000, b'{"v":' * 600, b"1" * 4096, b"{"],
        ids=len,
    )
    def test_what_is_no_object_is_a_protocol_error(self, payload: bytes) -> None:
        with pytest.raises(ProtocolError) as caught:
            parse_hello(payload)
        assert caught.value.code == "hello"

    @given(st.binary(max_size=200))
    def test_any_bytes_give_a_hello_or_a_protocol_error(self, payload: bytes) -> None:
        with pytest.raises(ProtocolError):
            parse_hello(payload)


class TestAnswers:
    @pytest.mark.parametrize("room", ["1000", "99999", ROOM])
    def test_wait_carries_the_room(self, room: str) -> None:
        data = wire.encode_wait(room)
        assert wire.parse_wait(data[wire.HEADER.size :]) == room

    @pytest.mark.parametrize("payload", [b"", b"{}", b'{"room": 1000}', b'{"room": "10"}', b"[" * 4000], ids=len)
    def test_a_wait_without_a_room_is_a_protocol_error(self, payload: bytes) -> None:
        with pytest.raises(ProtocolError):
            wire.parse_wait(payload)

    def test_error_carries_code_and_message(self) -> None:
        data = wire.encode_error("full", "two are there")
        assert wire.parse_error(data[wire.HEADER.size :]) == ("full", "two are there")

    def test_an_error_s_message_is_cut_at_both_ends(self) -> None:
        long = "x" * (limits.ERROR_TEXT_CHARACTERS + 1)
        exact = long[:-1]
        for text, shown in ((exact, exact), (long, exact[:-1] + "…")):
            assert wire.parse_error(wire.encode_error("full", text)[wire.HEADER.size :])[1] == shown
            assert wire.parse_error(json.dumps({"code": "full", "message": text}).encode())[1] == shown

    def test_an_error_s_message_is_made_visible(self) -> None:
        code, message = wire.parse_error(json.dumps({"code": "\x1b[2J", "message": "\x07\u202eabc"}).encode())
        assert (code, message) == ("␛[2J", "␇‹U+202E›abc")

    @given(st.binary(max_size=200))
    def test_reading_an_error_never_fails(self, payload: bytes) -> None:
        code, message = wire.parse_error(payload)
        assert code.isprintable()
        assert message.isprintable()


class TestAddress:
    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("lab.example", ("lab.example", 9999)),
            ("lab.example:80", ("lab.example", 80)),
            (" 127.0.0.1:65535\n", ("127.0.0.1", 65535)),
            ("[::1]:1", ("::1", 1)),
            ("[::1]", ("::1", 9999)),
            ("2001:db8::1", ("2001:db8::1", 9999)),
            ("[fe80::1%eth0]:9", ("fe80::1%eth0", 9)),
            ("시험.example:9", ("시험.example", 9)),
        ],
    )
    def test_is_read(self, text: str, address: tuple[str, int]) -> None:
        assert wire.parse_address(text) == address

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ":9999",
            "host:",
            "host:0",
            "host:65536",
            "host:port",
            "host:٣",
            "http://host",
            "host/path",
            "two words",
            "a:1:2",
            "[host]:1",
            "[::1",
            "[::1]:1:1",
            "[[::1]]:1",
            "ho\x00st",
            "ho\x1bst:1",
        ],
    )
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r".*"):
            wire.parse_address(text)

    @pytest.mark.parametrize(("host", "text"), [("127.0.0.1", "127.0.0.1:7"), ("::1", "[::1]:7"), ("a.b", "a.b:7")])
    def test_is_written(self, host: str, text: str) -> None:
        assert wire.format_address(host, 7) == text
        assert wire.parse_address(text) == (host, 7)

    @given(st.text(max_size=40))
    def test_any_text_gives_an_address_or_a_value_error(self, text: str) -> None:
        parse: Callable[[str], tuple[str, int]] = wire.parse_address
        try:
            host, port = parse(text)
        except ValueError:
            return
        assert host.isprintable()
        assert 0 < port < 65536
