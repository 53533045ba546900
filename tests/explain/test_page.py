"""The page in Chromium: clicks, keys, and every number on it is the ledger's."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import refkeras as keras
from refkeras import explain, semantics
from refkeras.datasets import iris
from refkeras.explain.building import EpochView
from refkeras.explain.log import epoch_lines
from refkeras.explain.page import page, write_page
from refkeras.explain.plateau import find_courses

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
NAME = "<img src=x onerror=alert(1)>"


def two_losses():
    keras.utils.set_random_seed(7)
    inputs = keras.Input((6, 3))
    y, _, c = keras.layers.LSTM(4, dropout=0.1, return_state=True, name="lstm")(inputs)
    answer = keras.layers.Dense(3, activation="softmax", name="answer")(y)
    model = keras.Model(inputs, [answer, c], name=NAME)
    model.compile("adam", ["categorical_crossentropy", "mse"], metrics=[["accuracy"], ["mae"]])
    rng = np.random.default_rng(7)
    x = rng.normal(size=(14, 6, 3)).astype("float32")
    y = [np.eye(3, dtype="float32")[rng.integers(3, size=14)], rng.normal(size=(14, 4)).astype("float32")]
    ledger = explain.Ledger()
    model.fit(x, y, batch_size=4, epochs=3, validation_split=0.25, verbose=0, callbacks=[ledger])
    return ledger


def flowers():
    x, labels = iris.load_data()
    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
    ledger = explain.Ledger()
    model.fit(x, labels, batch_size=40, epochs=5, validation_split=0.2, verbose=0, callbacks=[ledger])
    return ledger


@pytest.fixture(scope="module")
def ledgers():
    first, second = two_losses(), flowers()
    with semantics.use("keras-2.0"):
        third = flowers()
    return [first, second, third]


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra `test`)")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def file(ledgers, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(ledgers, path, title=f"{NAME} & more")
    return path


@pytest.fixture
def tab(browser, file, request):
    context = browser.new_context(**getattr(request, "param", {"viewport": {"width": 1280, "height": 900}}))
    tab = context.new_page()
    wrong, asked = [], []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("dialog", lambda dialog: wrong.append(dialog.message))
    tab.on("request", lambda sent: asked.append(sent.url))
    tab.goto(file.as_uri())
    tab.wait_for_selector("#value")
    yield tab
    assert wrong == []
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    context.close()


def card(tab):
    tab.wait_for_timeout(30)
    return tab.inner_text("#card .name"), tab.inner_text("#value")


def click_number(tab, key, epoch):
    tab.click(f'#lines button[data-key="{key}"][data-epoch="{epoch}"]')
    wait_for_card(tab, key)


def wait_for_card(tab, name):
    """Until the card of a click is there: it is drawn when its numbers are unpacked."""
    # Not by a function: that is text, which the page's policy does not let it run a second time.
    tab.locator("#card .name").first.filter(has_text=name).wait_for()


def test_every_number_of_the_log_leads_to_the_ledgers(tab, ledgers):
    tab.wait_for_selector("#lines button")
    for r, ledger in enumerate(ledgers):
        tab.select_option("#run", str(r))
        on_page = tab.eval_on_selector_all("#lines > div", "lines => lines.map(line => line.textContent)")
        views = [EpochView(ledger.run, epoch) for epoch in ledger.run.history]
        written = ["".join(piece.text for piece in line) for view in views for line in epoch_lines(view)]
        assert on_page == written
        view = views[-1]
        for key in view.record.logs:
            click_number(tab, key, view.record.number)
            found = view.explain(key)
            assert card(tab) == (found.name, found.shown)
            assert "= " + found.numbers in tab.inner_text("#card")


def test_every_figure_behind_it_is_the_ledgers(tab, ledgers):
    count = 0
    for r, ledger in enumerate(ledgers):
        for e, epoch in enumerate(ledger.run.history):
            chunk = tab.evaluate("([r, e]) => unpack(r, e)", [r, e])
            view = EpochView(ledger.run, epoch)
            for key, root in chunk["roots"].items():
                known = view.explain(key)
                count += compare(chunk, root, known)
    assert count > 1000


def compare(chunk, number, node):
    name, _, value, numbers, notes, inputs, also, cut, _ = chunk["nodes"][number]
    assert (name, value, cut) == (node.name, node.shown, 0)
    assert numbers == ("" if node.formula == "given" else node.numbers)
    assert [chunk["notes"][n] for n in notes] == node.notes
    assert (len(inputs), len(also)) == (len(node.inputs), len(node.also))
    return 1 + sum(compare(chunk, i, d) for i, d in zip([*inputs, *also], [*node.inputs, *node.also], strict=True))


def test_from_the_log_to_one_samples_softmax_by_clicking(tab, ledgers):
    ledger = ledgers[0]
    click_number(tab, "val_loss", 2)
    root = ledger.explain("val_loss", 2)
    parts = root.also[0]
    text = tab.inner_text("#card .also")
    assert "1 × val_answer_loss + 1 × val_lstm_loss" in text and f"= {parts.numbers} = {parts.shown}" in text
    names = [parts.inputs[0], parts.inputs[0].inputs[0], parts.inputs[0].inputs[0].inputs[1]]
    tab.click(f"#card .also >> text={names[0].name}")
    assert card(tab) == (names[0].name, names[0].shown)
    for node in names[1:]:
        tab.click(f'#inputs >> text="{node.name}"')
        assert card(tab) == (node.name, node.shown)
    softmax = names[-1].also[0]
    assert softmax.formula == "softmax" and f"= {softmax.numbers} = {softmax.shown}" in tab.inner_text("#card .also")
    assert tab.inner_text("#card nav").split("\n")[0] == "val_loss of epoch 2"
    tab.keyboard.press("Escape")
    assert card(tab)[0] == names[1].name
    tab.go_back()
    assert card(tab)[0] == names[2].name
    tab.click('#card nav >> text="val_loss of epoch 2"')
    assert card(tab) == (root.name, root.shown)
    tab.reload()
    tab.wait_for_selector("#value")
    assert card(tab) == (root.name, root.shown)


def test_with_the_keyboard_alone(tab, ledgers):
    tab.focus("#lines button[tabindex='0']")
    keys = list(ledgers[0].run.history[0].logs)
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowDown", "ArrowUp"):
        tab.keyboard.press(key)
    focused = tab.evaluate("[document.activeElement.dataset.key, document.activeElement.dataset.epoch]")
    assert focused == [keys[1], "2"]
    tab.keyboard.press("End")
    tab.keyboard.press("Enter")
    tab.locator("#derivation-title:focus").wait_for()
    found = ledgers[0].explain(keys[1], 3)
    assert card(tab) == (found.name, found.shown)
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert card(tab) == (found.inputs[0].name, found.inputs[0].shown)
    tab.keyboard.press("Escape")
    assert card(tab) == (found.name, found.shown)
    assert tab.locator("#lines button[tabindex='0']").count() == 1  # one stop, however long the log


def test_the_curves_tell_the_epoch_under_the_cursor(tab, ledgers):
    chart = tab.locator("#charts svg").first
    chart.focus()
    tab.keyboard.press("Home")
    losses = {key: value for key, value in ledgers[0].run.history[0].logs.items() if key.endswith("loss")}

    def said():
        return tab.locator("#charts .readout").first.inner_text()

    assert all(f"{key} {value:.4f}" in said().replace("\n", " ") for key, value in losses.items())
    tab.keyboard.press("ArrowRight")
    assert said().startswith("epoch 2:") and chart.get_attribute("aria-valuenow") == "2"
    box = chart.bounding_box()
    tab.mouse.move(box["x"] + box["width"] - 12, box["y"] + 40)
    assert said().startswith("epoch 3:")
    tab.locator("#charts .readout button").first.click()
    assert card(tab)[0] == "answer_loss of epoch 3"


def test_the_plateau(tab, ledgers):
    assert tab.locator("#plateau").is_hidden() == (not find_courses(ledgers[0].run))
    tab.select_option("#run", "1")
    course = find_courses(ledgers[1].run)[0]
    text = tab.inner_text("#plateau-text")
    assert f"the loss of {course.phase} row {course.row} falls from" in text
    numbers = [float(n) for n in re.findall(r"\d+\.\d+", text)]
    expected = [course.losses[course.first], course.losses[course.last]]
    expected += [course.probabilities[e][course.target] for e in (course.first, course.last)]
    assert numbers == [float(f"{v:.4g}") for v in expected]
    tab.click("#course-chart .readout button")
    number = course.epochs[-1]
    sample = ledgers[1].explain("loss", number).inputs[course.batches[-1]].inputs[course.places[-1]]
    assert card(tab) == (sample.name, sample.shown)


def test_the_gates(tab, ledgers):
    trace = ledgers[0].run.history[1].traces[0]
    tab.fill("#gate-epoch", "1")
    tab.select_option("#gate-sample", index=2)
    tab.wait_for_selector('#maps[data-shown="lstm 3 2"]')
    assert tab.inner_text("#gate-epoch-shown") == "2" and tab.locator("#maps canvas").count() == 6
    canvas = tab.locator("#maps canvas").nth(1)
    canvas.focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    said = tab.inner_text("#cell")
    assert said.startswith("lstm.f, sample 3, step 2, unit 3: ")
    assert np.float32(said.rpartition(" ")[2]) == trace.values["f"][2, 1, 2]
    box = canvas.bounding_box()
    canvas.hover(position={"x": box["width"] - 3, "y": box["height"] - 3})
    said = tab.inner_text("#cell")
    assert np.float32(said.rpartition(" ")[2]) == trace.values["f"][2, -1, -1]


@pytest.mark.parametrize(
    "tab", [{"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}], indirect=True
)
def test_on_a_phone(tab, ledgers):
    for run in "012":
        tab.select_option("#run", run)
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.select_option("#run", "0")
    tab.tap('#lines button[data-key="loss"][data-epoch="3"]')
    tab.wait_for_timeout(700)
    assert tab.evaluate("document.getElementById('derivation').getBoundingClientRect().top < innerHeight / 2")
    assert card(tab)[1] == ledgers[0].explain("loss", 3).shown


@pytest.mark.parametrize("tab", [{"color_scheme": scheme} for scheme in ("light", "dark")], indirect=True)
def test_light_and_dark_can_be_read(tab):
    for selector in ("body", ".hint", "button.number", "#card .numbers", ".also > button"):
        ratio = tab.eval_on_selector(selector, CONTRAST)
        assert ratio >= 4.5, (selector, ratio)  # WCAG 2.2, AA


CONTRAST = """element => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const linear = v => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = text => {
    const [r, g, b] = parse(text).map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = element;
  while (parse(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const [a, b] = [light(getComputedStyle(element).color), light(getComputedStyle(behind).backgroundColor)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


LIGHTNESS = "getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).reduce((a, b) => a + Number(b), 0)"


@pytest.mark.parametrize("tab", [{"color_scheme": scheme} for scheme in ("light", "dark")], indirect=True)
def test_the_theme_button(tab):
    system_is_dark = tab.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")

    def dark():
        return tab.evaluate(LIGHTNESS) < 3 * 128

    def pixel():
        tab.wait_for_timeout(50)
        return tab.evaluate(
            "[...document.querySelector('#maps canvas').getContext('2d').getImageData(0, 0, 1, 1).data]"
        )

    tab.wait_for_selector("#maps canvas")
    assert dark() == system_is_dark and tab.inner_text("#theme") == ("Light colors" if dark() else "Dark colors")
    before = pixel()
    tab.focus("#theme")
    tab.keyboard.press("Enter")
    assert dark() != system_is_dark and tab.inner_text("#theme") == ("Light colors" if dark() else "Dark colors")
    assert pixel() != before  # heat maps are drawn anew
    for selector in ("body", ".hint", "button.number", "#card .numbers", "#theme"):
        assert tab.eval_on_selector(selector, CONTRAST) >= 4.5, selector
    tab.reload()
    tab.wait_for_selector("#value")
    assert dark() != system_is_dark  # it is remembered
    tab.click("#theme")
    assert dark() == system_is_dark and pixel() == before


def numbers(text):
    return [float(n) for n in re.findall(r"\d+\.?\d*(?:e-?\d+)?", text.replace("−", "-"))]


def test_the_first_question_with_nothing_but_the_page(browser, tmp_path):
    """`loss: 0.2338 - activation_loss: 0.1153 - lstm_loss: 0.1185`: why, and down to one squared error, by clicking."""
    script = Path(__file__).parents[2] / "examples" / "three_losses.py"
    if not script.exists():
        pytest.skip("the examples are not here")
    command = [sys.executable, "-m", "refkeras"]
    run = [*command, "run", "--explain", "run.json", str(script), "--out", "out"]
    subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(
        [*command, "explain", "run.json", "--html", "page.html", "--fit", "1", "--figures", "9999"],
        cwd=tmp_path,
        check=True,
    )
    tab = browser.new_page()
    tab.goto((tmp_path / "page.html").as_uri())
    tab.wait_for_selector("#value")
    line = tab.inner_text("#lines > div:last-child")
    logged = {key: float(re.search(rf"\b{key}: ([\d.]+)", line)[1]) for key in ("activation_loss", "lstm_loss", "loss")}
    # Each of three rounded numbers is off by half a unit of its last digit at most.
    assert abs(logged["activation_loss"] + logged["lstm_loss"] - logged["loss"]) <= 1.5e-4
    tab.click(f'#lines > div:last-child button:text-is("{logged["loss"]:.4f}") >> nth=0')
    wait_for_card(tab, "loss of epoch 20")
    assert card(tab)[0] == "loss of epoch 20"
    sum_ = tab.inner_text("#card .also")
    assert "1 × activation_loss + 1 × lstm_loss" in sum_
    _, a, _, b, total = numbers(re.search(r"= (1 × [^\n]+)", sum_)[1])
    shown = {"activation_loss": a, "lstm_loss": b, "loss": total}
    assert all(f"{shown[key]:.4f}" == f"{logged[key]:.4f}" for key in logged) and abs(a + b - total) < 2e-7

    def mean():
        parts = tab.eval_on_selector_all("#inputs .figure", "found => found.map(e => e.textContent)")
        return np.mean([float(part.replace("−", "-")) for part in parts]), float(card(tab)[1])

    tab.click("#card .also >> text=lstm_loss of epoch 20")
    wait_for_card(tab, "lstm_loss of epoch 20")
    for name in ("lstm_loss of batch 2 (20 rows)", "loss of sample 3"):
        over, value = mean()
        assert abs(over - value) < 1e-6 * value
        if "batch" in name:
            assert f"{value:.4f}" == f"{logged['lstm_loss']:.4f}"
        tab.click(f'#inputs >> text="{name}"')
        wait_for_card(tab, name)
        assert card(tab)[0].startswith(name)
    over, value = mean()
    assert abs(over - value) < 1e-6 * value
    tab.click('#inputs >> text="(output[4] − target[4])²"')
    wait_for_card(tab, "(output[4] − target[4])²")
    name, value = card(tab)
    output, target = (
        float(text.replace("−", "-"))
        for text in tab.eval_on_selector_all("#inputs .figure", "found => found.map(e => e.textContent)")
    )
    assert float(value) == pytest.approx((output - target) ** 2, rel=1e-5)
    assert tab.eval_on_selector_all("#inputs .label", "found => found.map(e => e.textContent)") == [
        "output[4]",
        "target[4]",
    ]
    assert len(tab.query_selector_all("#card nav li")) == 6  # the way back stands above it
    tab.close()


def test_names_are_text(tab):
    assert NAME in tab.inner_text("#about") and tab.locator("img").count() == 0
    assert tab.title() == f"{NAME} & more"


def test_many_figures_are_thinned_out_and_the_page_says_so(ledgers):
    text = page(ledgers[1:2], max_nodes=1)
    whole = page(ledgers[1:2])
    assert '"detailed": [1, 5]' in text and '"detailed": []' in whole and len(text) < len(whole)


def test_nothing_to_show():
    with pytest.raises(ValueError, match="There is no run to show"):
        page([explain.Ledger()])
