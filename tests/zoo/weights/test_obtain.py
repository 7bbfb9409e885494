"""Downloads from a server that truncates, stalls and lies."""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import threading
import time
import urllib.error
from contextlib import nullcontext
from io import BytesIO
from types import SimpleNamespace

import pytest
from weights_server import cut, endless, plain, serving, stall, status, whole

from registry import NotFoundError, Plugin, UsageError, Weights, ZooError
from zoo.weights.kept import ABSENT, GOOD, UNCONFIRMED, WRONG, look
from zoo.weights.obtain import Guide, Patience, obtain
from zoo.weights.offers import Offer
from zoo.weights.part import Part

DATA = bytes(range(256)) * 400
SHA = hashlib.sha256(DATA).hexdigest()
PAGE = b"<!DOCTYPE html><html><title>Virus scan warning</title></html>"
QUICK = Patience(timeout=0.3, rounds=2, pause=0)


class Said(Guide):
    """Keeps what is said, and answers every question alike."""

    def __init__(self, answer=True):
        self.lines, self.asked, self.answer, self.seen = [], [], answer, []

    def say(self, text):
        self.lines.append(text)

    def progress(self, doing):
        return nullcontext(lambda done, total: self.seen.append((done, total)))

    def confirm(self, path, sha256, size):
        self.asked.append((sha256, size))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def site():
    with serving() as found:
        yield found


def offer(*urls):
    return Offer(Weights("w", urls, SHA, len(DATA)), Plugin("p"), ("m",), "", ())


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def test_a_good_server(site, tmp_path):
    said = Said()
    found = obtain(offer(site.put("/w.ckpt", whole(DATA))), tmp_path / "new" / "w", said)
    assert found.path.read_bytes() == DATA
    assert (found.path.name, found.sha256, found.size) == ("w.ckpt", SHA, len(DATA))
    assert found.source == site.base + "/w.ckpt"
    assert files(tmp_path / "new" / "w") == {"w.ckpt": DATA}
    assert said.asked == []
    assert (said.seen[0], said.seen[-1]) == ((0, len(DATA)), (len(DATA), len(DATA)))
    again = obtain(offer(site.base + "/w.ckpt"), tmp_path / "new" / "w", said)
    assert (again.source, again.sha256, len(site.asked)) == ("", SHA, 1)


def test_a_broken_connection_goes_on_where_it_stopped(site, tmp_path):
    url = site.put("/w.ckpt", cut(DATA, 5000), status(503), cut(DATA, 0), whole(DATA))
    found = obtain(offer(url), tmp_path, Said(), patience=Patience(0.3, 4, 0))
    assert found.path.read_bytes() == DATA
    # The third answer ignores the range and gives nothing, so that the fourth begins at the start.
    assert site.ranges() == [None, "bytes=5000-", "bytes=5000-", None]


def test_a_second_command_goes_on_where_the_first_gave_up(site, tmp_path):
    url = site.put("/w.ckpt", cut(DATA, 5000), status(500))
    with pytest.raises(ZooError, match=r"500.* 5,000 bytes are kept, and the same command goes on") as caught:
        obtain(offer(url), tmp_path, Said(), patience=QUICK)
    assert caught.value.exit_code == 1
    assert ".w.ckpt.part" in files(tmp_path)
    assert "w.ckpt" not in files(tmp_path)
    site.put("/w.ckpt", whole(DATA))
    said = Said()
    assert obtain(offer(url), tmp_path, said).path.read_bytes() == DATA
    assert site.ranges()[-1] == "bytes=5000-"
    assert said.seen[0] == (5000, len(DATA))
    assert files(tmp_path) == {"w.ckpt": DATA}


def test_a_stall_ends_in_time(site, tmp_path):
    url = site.put("/w.ckpt", stall(DATA, 7000, site.over), whole(DATA))
    started = time.perf_counter()
    assert obtain(offer(url), tmp_path, Said(), patience=QUICK).path.read_bytes() == DATA
    assert site.ranges() == [None, "bytes=7000-"]
    assert time.perf_counter() - started < 5
    url = site.put("/never.ckpt", lambda handler: site.over.wait(20))
    with pytest.raises(ZooError, match=r"nothing came for 0\.3 s"):
        obtain(offer(url), tmp_path, Said(), patience=QUICK)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (plain(DATA[:-1] + b"x"), "it sent another file: sha256 "),
        (plain(DATA[:-1]), "it offers 102,399 bytes, the card says 102,400"),
        (plain(DATA + b"x"), "it offers 102,401 bytes"),
        (endless(DATA + b"x"), "it sends more than 102,400 bytes"),
        (status(404), "it answers 404 Not Found"),
        (status(403), "it answers 403 Forbidden"),
        (status(204), "it answers 204"),
        (plain(PAGE, "text/html; charset=utf-8"), "a web page, not the file: open the address in a browser"),
        (endless(PAGE), "a web page, not the file"),
        (plain(DATA, Content_Encoding="gzip"), "it packs the file"),
        (status(302, Location="file:///etc/passwd"), "302"),
        (status(302, Location="ftp://127.0.0.1/w"), "zoo does not go from http to ftp"),
        (status(302, Location="/w.ckpt"), "302"),
    ],
)
def test_a_server_that_lies_is_asked_once_and_nothing_is_left(site, tmp_path, answer, says):
    url = site.put("/w.ckpt", answer)
    with pytest.raises(ZooError) as caught:
        obtain(offer(url), tmp_path / "w", Said(), patience=QUICK)
    assert says in str(caught.value)
    assert url in str(caught.value)
    assert caught.value.exit_code == 1
    assert not (tmp_path / "w").exists()
    assert len(site.asked) == 1 or "302" in says  # one that sends on to itself is followed a few times


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/w", "data:,x", "w.ckpt", "http://", "http://["])
def test_addresses_that_are_not_fetched(tmp_path, url):
    with pytest.raises(ZooError, match="was not fetched"):
        obtain(offer(url), tmp_path / "w", Said(), patience=QUICK)
    assert not (tmp_path / "w").exists()


def test_from_https_to_http_is_refused():
    from urllib.request import Request

    from zoo.weights.fetch import UnusableError, _Redirects

    with pytest.raises(UnusableError, match="does not go from https to http"):
        _Redirects().redirect_request(Request("https://a.invalid/"), BytesIO(), 302, "", {}, "http://a.invalid/")
    assert _Redirects().redirect_request(Request("http://a.invalid/"), BytesIO(), 302, "", {}, "https://a.invalid/")


def test_a_certificate_that_is_not_trusted_is_not_tried_again(tmp_path, monkeypatch):
    opened = []

    class Opener:
        def open(self, request, timeout):
            opened.append(request.full_url)
            error = ssl.SSLCertVerificationError(1, "certificate verify failed")
            error.verify_message = "self-signed certificate"
            raise urllib.error.URLError(error)

    monkeypatch.setattr("zoo.weights.fetch._opener", Opener)
    with pytest.raises(ZooError, match=r"its certificate is not trusted \(self-signed certificate\)"):
        obtain(offer("https://a.invalid/w.ckpt"), tmp_path / "w", Said(), patience=QUICK)
    assert opened == ["https://a.invalid/w.ckpt"]


def test_a_redirect_is_followed_with_its_range(site, tmp_path):
    site.put("/real.ckpt", cut(DATA, 300), whole(DATA))
    url = site.put("/w.ckpt", status(302, Location="/real.ckpt"))
    assert obtain(offer(url), tmp_path, Said(), patience=QUICK).path.read_bytes() == DATA
    assert site.asked[-1] == ("/real.ckpt", "bytes=300-")


def test_the_next_mirror(site, tmp_path):
    bad = site.put("/a.ckpt", plain(b"y" * len(DATA)))
    gone = "http://127.0.0.1:9/b.ckpt"  # the discard port: nobody listens
    said = Said()
    found = obtain(offer(bad, gone, site.put("/c.ckpt", whole(DATA))), tmp_path, said, patience=QUICK)
    assert found.source == site.base + "/c.ckpt"
    assert files(tmp_path) == {"a.ckpt": DATA}
    assert any("refused" in line.lower() for line in said.lines)


def test_the_rest_comes_from_another_mirror(site, tmp_path):
    first = site.put("/a.ckpt", cut(DATA, 5000), status(404))
    assert obtain(offer(first, site.put("/b.ckpt", whole(DATA))), tmp_path, Said(), patience=QUICK).sha256 == SHA
    assert site.asked == [("/a.ckpt", None), ("/b.ckpt", "bytes=5000-")]


def test_a_server_that_ignores_or_fumbles_the_range(site, tmp_path):
    url = site.put("/w.ckpt", cut(DATA, 5000), plain(DATA))
    assert obtain(offer(url), tmp_path / "1", Said(), patience=QUICK).sha256 == SHA
    assert site.ranges() == [None, "bytes=5000-"]
    other = f"bytes 0-{len(DATA) - 1}/{len(DATA)}"
    for wrong in (plain(DATA, code=206, Content_Range=other), plain(DATA[5000:], code=206), status(416)):
        url = site.put("/w.ckpt", cut(DATA, 5000), wrong, whole(DATA))
        found = obtain(offer(url), tmp_path / "2", Said(), patience=Patience(0.3, 3, 0))
        assert found.sha256 == SHA
        assert site.ranges()[-2:] == ["bytes=5000-", None]
        found.path.unlink()


def test_a_beginning_of_another_file_is_found_out(site, tmp_path):
    tmp_path.joinpath(".w.ckpt.part").write_bytes(b"old" * 1000)
    url = site.put("/w.ckpt", whole(DATA))
    said = Said()
    assert obtain(offer(url), tmp_path, said, patience=QUICK).sha256 == SHA
    assert site.ranges() == ["bytes=3000-", None]
    assert any("does not fit" in line for line in said.lines)
    (tmp_path / "w.ckpt").unlink()
    tmp_path.joinpath(".w.ckpt.part").write_bytes(DATA + b"more")
    assert obtain(offer(url), tmp_path, Said(), patience=QUICK).sha256 == SHA
    assert site.ranges()[-1] is None


def test_a_file_that_is_not_as_it_should_be_stays_until_the_right_one_is_here(site, tmp_path):
    target = tmp_path / "w.ckpt"
    target.write_bytes(b"damaged")
    url = site.put("/w.ckpt", status(404), whole(DATA))
    with pytest.raises(ZooError, match="404"):
        obtain(offer(url), tmp_path, Said(), patience=QUICK)
    assert files(tmp_path) == {"w.ckpt": b"damaged"}
    with pytest.raises(UsageError, match=r"is there and is not w \(sha256"):
        obtain(offer(url), tmp_path, Said(), replace=False)
    said = Said()
    assert obtain(offer(url), tmp_path, said).sha256 == SHA
    assert "is damaged" in said.lines[0]
    assert files(tmp_path) == {"w.ckpt": DATA}


def test_many_at_once_fetch_once(site, tmp_path):
    def slowly(handler):
        time.sleep(0.3)
        whole(DATA)(handler)

    wanted, guides = offer(site.put("/w.ckpt", slowly)), [Said() for _ in range(4)]
    found, failed = [], []

    def one(guide):
        try:
            found.append(obtain(wanted, tmp_path / "w", guide))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(guide,)) for guide in guides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(site.asked) == 1
    assert sorted(each.source for each in found) == ["", "", "", site.base + "/w.ckpt"]
    assert sum("waiting" in line for guide in guides for line in guide.lines) == 3
    assert files(tmp_path / "w") == {"w.ckpt": DATA}


def test_a_full_disk_is_said(site, tmp_path, monkeypatch):
    url = site.put("/w.ckpt", whole(DATA))
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))
        with pytest.raises(ZooError, match=r"102,400 bytes are to come and 10 are free"):
            obtain(offer(url), tmp_path / "w", Said())

    def full(handle, data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("zoo.weights.part.os.write", full)
        with pytest.raises(ZooError, match="No space left on device"):
            obtain(offer(url), tmp_path / "w", Said())
    assert not (tmp_path / "w").exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ZooError, match="cannot be written to"):
        obtain(offer("http://127.0.0.1:9/w.ckpt"), tmp_path / "file" / "w", Said())


# --- No published digest ---


def unknown(*urls):
    return Offer(Weights("w", urls), Plugin("p"), ("m",), "", ())


def test_an_unpublished_digest_is_shown_confirmed_and_remembered(site, tmp_path):
    wanted, said = unknown(site.put("/w.ckpt", whole(DATA))), Said()
    assert obtain(wanted, tmp_path, said).sha256 == SHA
    assert said.asked == [(SHA, len(DATA))]
    assert set(files(tmp_path)) == {"w.ckpt", "w.ckpt.json"}
    assert json.loads((tmp_path / "w.ckpt.json").read_text())["sha256"] == SHA
    assert look(wanted, tmp_path).state == GOOD
    assert obtain(wanted, tmp_path, Said(answer=False)).sha256 == SHA  # not asked again
    # The word of one plugin is none of another's.
    assert look(Offer(wanted.weights, Plugin("q"), ("m",), "", ()), tmp_path).state == UNCONFIRMED
    (tmp_path / "w.ckpt").write_bytes(b"damaged")
    assert look(wanted, tmp_path).state == WRONG
    (tmp_path / "w.ckpt").unlink()
    assert look(wanted, tmp_path).state == ABSENT


def test_no_is_an_answer(site, tmp_path):
    url = site.put("/w.ckpt", whole(DATA))
    with pytest.raises(ZooError, match=f"not confirmed: sha256 {SHA}"):
        obtain(unknown(url), tmp_path / "w", Said(answer=False))
    assert not (tmp_path / "w").exists()


def test_whoever_cannot_answer_need_not_fetch_again(site, tmp_path):
    url = site.put("/w.ckpt", whole(DATA))
    with pytest.raises(UsageError, match="--yes"):
        obtain(unknown(url), tmp_path, Said(answer=UsageError("say --yes")))
    assert "w.ckpt" not in files(tmp_path)
    assert obtain(unknown(url), tmp_path, Said()).sha256 == SHA
    assert len(site.asked) == 1


def test_without_a_digest_the_rest_is_taken_of_the_same_version_only(site, tmp_path):
    new = DATA[::-1]
    url = site.put("/w.ckpt", cut(DATA, 5000, '"1"'), status(500))
    with pytest.raises(ZooError, match="5,000 bytes are kept"):
        obtain(unknown(url), tmp_path, Said(), patience=QUICK)
    site.put("/w.ckpt", whole(new, '"2"'))
    assert obtain(unknown(url), tmp_path, Said(), patience=QUICK).path.read_bytes() == new
    assert site.ranges()[-1] == "bytes=5000-"
    # A server that does not name its version is asked for everything, and so is another mirror.
    (tmp_path / "w.ckpt").unlink()
    url = site.put("/w.ckpt", cut(DATA, 5000, ""), whole(DATA, ""))
    assert obtain(unknown(url), tmp_path, Said(), patience=QUICK).sha256 == SHA
    assert site.ranges()[-2:] == [None, None]
    (tmp_path / "w.ckpt").unlink()
    urls = site.put("/w.ckpt", cut(DATA, 5000), status(404)), site.put("/b.ckpt", whole(DATA))
    assert obtain(unknown(*urls), tmp_path, Said(), patience=QUICK).sha256 == SHA
    assert site.asked[-2:] == [("/w.ckpt", None), ("/b.ckpt", None)]


# --- From a file ---


def test_from_a_file(tmp_path):
    source = tmp_path / "photo.bin"
    source.write_bytes(DATA)
    found = obtain(offer("http://127.0.0.1:9/w.ckpt"), tmp_path / "w", Said(), source)
    assert (found.path.name, found.source) == ("w.ckpt", str(source))
    assert files(tmp_path / "w") == {"w.ckpt": DATA}
    said = Said()
    assert obtain(unknown(), tmp_path / "v", said, source).path.name == "w"
    assert said.asked == [(SHA, len(DATA))]
    assert source.read_bytes() == DATA


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (DATA[:-1] + b"x", "the card says " + SHA),
        (DATA[:-1], "it has 102,399 bytes, not 102,400"),
        (b"", "it has 0 bytes"),
        (PAGE, "is a web page, not w"),
    ],
)
def test_a_wrong_file_is_refused_and_nothing_changes(tmp_path, content, says):
    source, place = tmp_path / "source", tmp_path / "w"
    source.write_bytes(content)
    place.mkdir()
    (place / "w.ckpt").write_bytes(b"older")
    (place / ".w.ckpt.part").write_bytes(DATA[:100])
    before = files(place)
    with pytest.raises(ZooError) as caught:
        obtain(offer("http://127.0.0.1:9/w.ckpt"), place, Said(), source)
    assert says in str(caught.value)
    assert caught.value.exit_code == 1
    assert files(place) == before
    assert source.read_bytes() == content


def test_a_source_that_is_not_there(tmp_path):
    with pytest.raises(NotFoundError, match="no such file"):
        obtain(offer(), tmp_path / "w", Said(), tmp_path / "gone")
    with pytest.raises(UsageError, match="is a folder"):
        obtain(offer(), tmp_path / "w", Said(), tmp_path)
    with pytest.raises(UsageError, match="has no address: give the file with --from"):
        obtain(offer(), tmp_path / "w", Said())
    assert not (tmp_path / "w").exists()


def test_a_source_that_is_declined_leaves_nothing(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(DATA)
    for answer in (False, UsageError("say --yes")):
        with pytest.raises(ZooError):
            obtain(unknown(), tmp_path / "w", Said(answer), source)
        assert not (tmp_path / "w").exists()


def test_a_part_that_was_taken_away_is_not_written_to(tmp_path):
    with Part(tmp_path / "w", lambda: None) as first:
        first.append(b"one")
        os.rename(first.path, tmp_path / "elsewhere")
        with Part(tmp_path / "w", lambda: pytest.fail("another file")) as second:
            second.append(b"two")
            assert second.path.read_bytes() == b"two"
    assert (tmp_path / "elsewhere").read_bytes() == b"one"
