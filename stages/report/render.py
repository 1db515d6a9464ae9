"""Tables in, one HTML text out: style, script and data inline, no request to anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages.metrics.registry import METRICS
from stages.report import agreement, exclusions, gallery, glance, images, numbers, pairs, people, provenance, targets
from stages.report.inputs import Inputs, read_csv
from stages.report.pack import packed
from stages.report.params import ReportParams

PAGE = Path(__file__).parent / "page"
#: In the order in which they run; they share one scope.
SCRIPTS = ["dom", "results", "classes", "confusion", "sweep", "gallery", "main"]
STYLES = ["base", "tables", "figures", "gallery", "print"]


class Rules(NamedTuple):
    """What the page states besides its own params and tables."""

    thresholds: Mapping[str, float]
    """A metric's answer is right above this, or below it where lower values are better."""
    confidence: float
    """Level of the intervals."""
    licensed: bool
    """The data set's images must not be passed on."""
    controls: Path | None = None
    """CSV with results on the controls."""
    targets: Path | None = None
    """JSON with a paper's numbers."""
    streams: Path | None = None
    """Folder of the people who were found in the clips."""


def page(inputs: Inputs, params: ReportParams, rules: Rules) -> str:
    """Return the page; the same inputs give the same text."""
    classes = inputs.classes.names
    protocols = numbers.ordered(params.protocols, inputs.summary["protocol"].to_list())
    metrics = numbers.ordered(params.metrics, inputs.summary["metric"].to_list())
    scaled = set(inputs.sweep["metric"].to_list())
    common = {
        "methods": [
            {
                "id": method,
                "name": inputs.titles[method],
                "null": method in inputs.nulls,
                "why": inputs.unscored(method),
            }
            for method in inputs.everyone
        ],
        "protocols": protocols,
        "metrics": numbers.metric_titles(metrics),
        "classes": classes,
        # Only a metric with a sweep has a scale; on the others, as on keyword hits, the threshold is a formality.
        "thresholds": {name: value for name, value in _thresholds(rules).items() if name in scaled},
        "confidence": rules.confidence,
        "clusters": inputs.clusters,
        "setNumbers": numbers.set_numbers(inputs),
    }
    shown = gallery.choose(inputs, protocols[0], params.examples_per_class, params.thumbnails_per_class)
    pictured = params.images == "always" or (params.images == "unless_licensed" and not rules.licensed)
    wanted = shown.pictured if pictured else []
    pictures = images.thumbnails(inputs.run.keyframes, wanted, params.thumbnail_width)
    width = 2 * params.thumbnail_width
    made_by = provenance.made_by(inputs)
    drawn = numbers.seeds(inputs)
    seeded = "seeds" in inputs.summary.columns
    overview = {
        **common,
        "results": numbers.results(inputs),
        "differences": inputs.differences.to_dicts(),
        "perClass": numbers.per_class(inputs, classes),
        "confusion": numbers.confusion(inputs, classes),
        "sweep": numbers.sweep(inputs),
        "validity": inputs.validity.to_dicts(),
        "leftOut": inputs.left_out.drop("examples").to_dicts(),
        "repeats": inputs.repeats.to_dicts(),
        "seeds": drawn,
    }
    columns = gallery.columns(inputs, shown.clips, classes, metrics, protocols, scaled)
    text: str = template("index.html.j2").render(
        params=params,
        run=inputs.run.name,
        **common,
        facts=_facts(inputs, classes),
        lower_is_better=[name for name, metric in METRICS.items() if metric.better == "lower"],
        summary=numbers.results(inputs),
        seeded=seeded,
        base_seeds=any(values["base"] for values in drawn.values()),
        names=params.names | inputs.titles,
        targets=targets.beside_ours(rules.targets, inputs.summary, inputs.run.name) if rules.targets else None,
        audit=inputs.audit,
        exclusions=exclusions.exclusions(inputs),
        errors=inputs.errors,
        controls=_plain(read_csv(rules.controls, [])) if rules.controls else None,
        glance=glance.pictures(inputs, width) if pictured else [],
        people=people.people(inputs, rules.streams, width if pictured else None) if rules.streams else None,
        legend=people.LEGEND,
        pairs=pairs.pairs(inputs, protocols[0]),
        first=protocols[0],
        stages=made_by,
        method_rows=provenance.of_methods(inputs),
        references=provenance.of_references(inputs),
        constants=provenance.constants(inputs),
        agreement=agreement.self_agreement(inputs),
        gallery_clips=len(shown.clips),
        pictured=len(pictures),
        withheld=not pictured and rules.licensed,
        overview=Markup(packed(overview)),
        gallery=Markup(packed(columns)),
        pictures=Markup(packed(pictures)),
        style=inline(STYLES, "css"),
        script=inline(SCRIPTS, "js"),
    )
    return text


def inline(names: Sequence[str], kind: str) -> Markup:
    """Return files of the folder `page`, one after the other, as they stand."""
    return Markup("\n".join((PAGE / f"{name}.{kind}").read_text() for name in names))


def template(name: str) -> Any:
    """Return a template of the folder `page`, with the filters that the pages use."""
    environment = Environment(
        loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = lambda value: "–" if value is None else f"{100 * value:.1f}"
    environment.filters["points"] = lambda value: "–" if value is None else f"{100 * value:+.1f}".replace("-", "−")
    environment.filters["yaml"] = lambda value: yaml.safe_dump(value, sort_keys=True, allow_unicode=True, width=100)
    environment.filters["count"] = lambda value: "–" if value is None else f"{value:,}"
    return environment.get_template(name)


def _thresholds(rules: Rules) -> dict[str, float]:
    """Return each metric's threshold: the params', else the metric's own."""
    own = {name: metric.threshold for name, metric in METRICS.items() if metric.threshold is not None}
    return {**rules.thresholds, **{name: value for name, value in own.items() if name not in rules.thresholds}}


def _facts(inputs: Inputs, classes: list[str]) -> dict[str, int]:
    usable = inputs.manifest.filter(pl.col("error").is_null())
    return {
        "clips": len(usable),
        "classes": len(classes),
        "subjects": usable["subject"].drop_nulls().n_unique(),
        "cameras": usable["camera"].drop_nulls().n_unique(),
        "recordings": usable["group"].drop_nulls().n_unique() if inputs.clusters == "recordings" else 0,
        "methods": len(inputs.methods),
        "null models": len(inputs.nulls),
        "unusable": len(inputs.manifest) - len(usable),
    }


def _plain(frame: pl.DataFrame) -> dict[str, Any]:
    rows = [[f"{value:.3f}" if isinstance(value, float) else value for value in row] for row in frame.rows()]
    return {"columns": frame.columns, "rows": rows}
