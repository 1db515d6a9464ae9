"""The page in a real browser: it draws, sorts and filters, by mouse and by keyboard, and logs no error."""

import pytest

from stages.base.paths import Run
from stages.report.inputs import load
from stages.report.render import page
from tests.report import small
from tests.report.test_page import SEEDS, with_seeds

By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
Select = pytest.importorskip("selenium.webdriver.support.ui").Select
Wait = pytest.importorskip("selenium.webdriver.support.ui").WebDriverWait


@pytest.fixture
def view(browser, small_page):
    """The page, freshly loaded and complete."""
    browser.get_log("browser")
    open_page(browser, small_page)
    browser.execute_script("localStorage.clear()")
    open_page(browser, small_page)
    yield browser
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    assert browser.execute_script("return window.taken") is None
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def open_page(browser, path):
    browser.get(path.as_uri())
    ready = "return document.documentElement.dataset.ready === 'all'"
    Wait(browser, 20, poll_frequency=0.05).until(lambda driver: driver.execute_script(ready))


def texts(view, selector):
    script = "return [...document.querySelectorAll(arguments[0])].map((node) => node.textContent)"
    return view.execute_script(script, selector)


def choose(view, within, name, value):
    Select(view.find_element(By.CSS_SELECTOR, f"#{within} [name='{name}']")).select_by_value(value)


def shown(view):
    return texts(view, "#gallery-count")[0]


def test_results_have_best_null_flag_and_significance(view):
    assert texts(view, "#results-table thead .sort") == ["Method", "Keyword", "Nearest class", "Similarity"]
    rows = texts(view, "#results-table tbody th")
    assert rows == ["embedded", "Bold & brave", "null_constantnull model"]
    assert texts(view, "#results-table .best .figure") == ["50.0", "50.0", "100.0"]
    assert texts(view, "#results-table .delta")[0] == "−50.0 *"
    assert texts(view, "#results-table th .flag") == ["⚑ a null model wins"]
    assert "Keyword on cs (null_constant, 100.0 %)" in texts(view, "#results-flags")[0]
    assert len(texts(view, "#results-table svg.whisker")) == 9


def test_results_sort_both_ways_and_select(view):
    column = "#results-table tbody td:nth-child(4) .figure"
    head = view.find_element(By.CSS_SELECTOR, "#results-table th:nth-child(4) .sort")
    head.click()
    down = [float(value) for value in texts(view, column)]
    assert down == sorted(down, reverse=True)
    head.send_keys(Keys.ENTER)
    assert [float(value) for value in texts(view, column)] == sorted(down)
    assert texts(view, "#results-table th[aria-sort='ascending'] .sort") == ["Similarity"]
    choose(view, "results-controls", "metric", "similarity")
    choose(view, "results-controls", "protocol", "")
    assert texts(view, "#results-table thead .sort") == ["Method", "cs", "cv1"]
    choose(view, "results-controls", "aggregate", "accuracy")
    assert len(texts(view, "#results-table .figure")) == 6


def test_each_number_has_its_own_differences(view):
    choose(view, "results-controls", "metric", "nearest_class")
    mca = texts(view, "#results-table .delta")
    choose(view, "results-controls", "aggregate", "macro_f1")
    assert texts(view, "#results-table thead .sort") == ["Method", "Nearest class"]
    assert texts(view, "#results-table .delta") == ["+12.5 *"] != mca
    choose(view, "results-controls", "aggregate", "accuracy")
    assert texts(view, "#results-table .delta") == []


def test_a_number_tells_its_interval_and_test(view):
    view.find_element(By.CSS_SELECTOR, "#results-table button.value").send_keys(Keys.ENTER)
    panel = texts(view, "#number")[0]
    assert "50.0 % (95 % interval 30.0 to 70.0)" in panel
    assert "Against the best, Bold & brave: −50.0 points" in panel
    view.switch_to.active_element.send_keys(Keys.ENTER)
    assert not view.find_element(By.ID, "number").is_displayed()
    assert view.execute_script("return document.activeElement.className") == "value"


def test_classes_confusion_and_sweep_are_drawn(view):
    assert texts(view, "#classes-table tbody tr:first-child th") == ["WatchTV", "mean of classes"]
    assert len(texts(view, "#confusion-table tbody td")) == 3 * 4
    assert "no class" in texts(view, "#confusion-table thead span")
    assert len(texts(view, "#sweep-chart polyline")) == 3
    slider = view.find_element(By.CSS_SELECTOR, "#sweep-chart input")
    slider.send_keys(Keys.ARROW_RIGHT)
    assert texts(view, "#sweep-chart output") == ["0.75"]
    assert texts(view, "#sweep-chart .legend b") == ["25.0"] * 3


def test_gallery_filters(view):
    assert shown(view) == "12 of 12 clips"
    choose(view, "gallery-controls", "class", "1")
    assert shown(view) == "4 of 12 clips"
    choose(view, "gallery-controls", "class", "")
    choose(view, "gallery-controls", "method", "embedded")
    choose(view, "gallery-controls", "outcome", "wrong")
    assert shown(view) == "6 of 12 clips"
    assert set(texts(view, "#gallery-list .verdict")) == {"✗ wrong"}
    choose(view, "gallery-controls", "judged-by", "similarity")
    choose(view, "gallery-controls", "outcome", "right")
    assert shown(view) == "6 of 12 clips"
    assert set(texts(view, "#gallery-list dt span:nth-child(3)")) == {"0.750"}


def test_gallery_disagreement_images_and_words(view):
    view.find_element(By.NAME, "disagree").click()
    both = [index for index in range(1, 12) if small.SMALL.right("embedded", index, "keyword") is False]
    assert shown(view) == f"{len(both)} of 12 clips"
    view.find_element(By.NAME, "disagree").click()
    view.find_element(By.NAME, "pictured").click()
    assert shown(view) == "6 of 12 clips"
    assert len(texts(view, "#gallery-list img")) == 12
    view.find_element(By.NAME, "pictured").click()
    view.find_element(By.NAME, "words").send_keys("NUMBER 7")
    Wait(view, 5).until(lambda driver: shown(driver) == "1 of 12 clips")
    assert "embedded sees Walk number 7" in texts(view, "#gallery-list")[0]


def test_hostile_texts_stand_as_texts(view):
    view.find_element(By.NAME, "words").send_keys("window.taken")
    Wait(view, 5).until(lambda driver: shown(driver) == "1 of 12 clips")
    assert small.HOSTILE in texts(view, "#gallery-list dd")
    assert texts(view, "h1") == ["A small <run>"]


def test_every_control_is_reached_by_keyboard(view):
    controls = view.execute_script(
        "const all = [...document.querySelectorAll('a[href], button, select, input, summary, [tabindex]')];"
        "window.left = new Set(all.filter((node) => node.checkVisibility()));"
        "document.addEventListener('focusin', (event) => window.left.delete(event.target));"
        "return window.left.size"
    )
    for _ in range(controls + 2):
        view.switch_to.active_element.send_keys(Keys.TAB)
    assert view.execute_script("return [...window.left].map((node) => node.outerHTML)") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_by_system_and_by_button(view, scheme):
    view.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    seen = {text: brightness(view) for text in cycle(view)}
    assert seen["Theme: light"] > 200
    assert seen["Theme: dark"] < 60
    assert seen["Theme: auto"] == seen[f"Theme: {scheme}"]


def cycle(view):
    button = view.find_element(By.ID, "theme")
    for _ in range(3):
        yield button.text
        button.click()


def brightness(view):
    red = view.execute_script("return getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/)[0]")
    return float(red)


@pytest.mark.parametrize("width", [390, 1300])
def test_only_tables_scroll_sideways(view, width):
    view.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    )
    assert view.execute_script("return document.documentElement.scrollWidth") <= width
    view.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_seeds_are_dots_with_an_interval_and_decide_what_is_better(browser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Run("small")
    small.write(run)
    with_seeds(run)
    text = page(load(run, SEEDS), small.params(), small.rules())
    (tmp_path / "index.html").write_text(text)
    browser.get_log("browser")
    open_page(browser, tmp_path / "index.html")
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    # Three metrics of a method with two seeds more, and of one other base model; one of another method.
    assert len(texts(browser, "#results-table circle.seed")) == 6
    assert len(texts(browser, "#results-table rect.base-seed")) == 6
    assert len(texts(browser, "#results-table line.seeded")) == 9
    assert "15.0–85.0 with 3 seeds" in texts(browser, "#results-table button.value .span")
    # By the shipped runs alone it is significant; not with seeds.
    assert texts(browser, "#results-table .delta")[0] == "−50.0 n.s."
    browser.find_element(By.CSS_SELECTOR, "#results-table tr:nth-child(2) button.value").send_keys(Keys.ENTER)
    panel = texts(browser, "#number")[0]
    assert "3 trainings on the shipped base model" in panel
    assert "Other base models: 30.0 %" in panel
    assert "with the seeds of what learns" in panel
