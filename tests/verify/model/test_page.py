"""The page: whole, safe and self-contained."""

import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkeras.verify.model.findings import ALARM
from refkeras.verify.model.graph import Call
from refkeras.verify.model.page.charts import HEIGHT as CHART_HEIGHT
from refkeras.verify.model.page.charts import WIDTH as CHART_WIDTH
from refkeras.verify.model.page.charts import histogram, steps
from refkeras.verify.model.page.layout import HEIGHT, WIDTH, lay_out
from tests.verify.model.made import saved, verified
from tests.verify.model.test_findings import found

pytest.importorskip("jinja2")
EVIL = "</script><script>alert(1)</script>"


class Reader(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.tags, self.attributes = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            self.attributes.append((tag, name, value))
            if name == "id":
                self.ids.append(value)
            if name in ("href", "data-panel"):
                self.links.append(value.removeprefix("#"))


@pytest.fixture
def outcome(tmp_path, monkeypatch):
    def spoil(arrays):
        name = next(n for n in arrays if re.fullmatch(r"calls/\d+/steps", n))
        arrays[name] = arrays[name] * 1.01

    return verified(saved(tmp_path), monkeypatch, spoil, train=1)


def test_the_page_is_whole_and_needs_no_network(outcome):
    from refkeras.verify.model.page import render

    text = render(outcome)
    page = Reader(text)
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.links) <= {*page.ids, ""}
    assert not {"link", "img", "iframe", "object", "embed"} & set(page.tags)
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", text)
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)[1]
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in text
    assert page.tags.count("article") == len(outcome.outcomes[0].calls) + 3  # end to end, a step, compiled training
    assert "First leaves its bar in" in text
    assert "is the first to leave its bar" in text
    shown = next(value for _, name, value in page.attributes if name == "data-shown")
    culprit = outcome.outcomes[0].culprit
    assert re.search(rf'id="{shown}"[^>]*aria-label="{culprit.place}"', text)


def test_names_from_the_file_are_escaped(outcome):
    from refkeras.verify.model.page import render

    each = outcome.outcomes[0]
    findings = [dataclasses.replace(f, place=EVIL, quantity=EVIL, note=EVIL) for f in each.findings]
    calls = [dataclasses.replace(call, place=EVIL, kind=EVIL) for call in each.calls]
    spoiled = dataclasses.replace(each, findings=findings, calls=calls, engine=EVIL, untrained=EVIL)
    text = render(dataclasses.replace(outcome, file=f"/tmp/{EVIL}", outcomes=[spoiled]))
    assert Reader(text).tags.count("script") == 1


def test_a_failed_write_leaves_the_old_page(outcome, tmp_path, monkeypatch):
    from refkeras.verify.model import page

    file = tmp_path / "page.html"
    file.write_text("old")
    broken = dataclasses.replace(outcome, outcomes=[object()])
    with pytest.raises(AttributeError):
        page.write_page(broken, file)
    assert file.read_text() == "old"


@given(st.data())
def test_boxes_do_not_overlap_and_lines_go_down(data):
    inputs = data.draw(st.integers(1, 3))
    calls = []
    for number in range(data.draw(st.integers(1, 14))):
        sources = data.draw(st.lists(st.integers(-inputs, number - 1), max_size=3, unique=True))
        calls.append(Call(f"layer {number}", "Dense", 0, tuple(sources)))
    drawing = lay_out(calls, inputs)
    boxes = {box.number: box for box in drawing.boxes}
    assert set(boxes) == {*range(-inputs, 0), *range(len(calls))}
    for a in boxes.values():
        assert a.x >= 0 and a.x + WIDTH <= drawing.width and a.y >= 0 and a.y + HEIGHT <= drawing.height
        for b in boxes.values():
            assert a is b or abs(a.x - b.x) >= WIDTH or abs(a.y - b.y) >= HEIGHT
    for number, call in enumerate(calls):
        for source in call.sources:
            assert boxes[source].y < boxes[number].y
    assert len(drawing.lines) == sum(len(call.sources) for call in calls)


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=60))
def test_bars_stay_in_their_charts(values):
    finding = found([[value] for value in values], time_axis=0)
    for chart in (histogram(finding), steps(finding)):
        for bar in chart.bars:
            assert bar.x >= 0 and bar.x + bar.width <= CHART_WIDTH + 1e-6
            assert 0 <= bar.height <= CHART_HEIGHT + 1e-6
    assert [bar.beyond for bar in steps(finding).bars] == [value > ALARM for value in values]
    assert any(bar.beyond for bar in histogram(finding).bars) >= any(value > ALARM for value in values)
