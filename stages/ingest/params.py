"""Params of `ingest`: where a data set lies, how it names its clips, which protocols split it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from stages.base.params import Declared, Params
from stages.ingest.clock import Unit
from stages.labels.classes import Labels
from stages.labels.rules import Rules


class Standard(Params):
    """Options of a protocol whose rule is fixed, cs, cv1, cv2 and the leave-one-out ones."""

    validation: bool
    """Take a validation part out of the train part, by the protocol's own rule."""


class Phase1(Params):
    """Options of `phase1`."""

    clips: int = Field(ge=1)
    """Test clips of each class."""
    seed: int
    """Another seed draws other clips."""
    rest: Literal["none", "train"]
    """Part of the clips that are not drawn."""


class Random(Params):
    """Options of `random`."""

    folds: int = Field(ge=2)
    """Fold 0 is the test part, fold 1 the validation part, the others train."""
    seed: int
    """Another seed makes other folds."""
    validation: bool
    """Without it fold 1 is train too."""


class Published(Params):
    """A published list of test clips, as a protocol of its own."""

    test: str
    """File of clip names."""
    of: str
    """The protocol that the list is said to follow: its train part, less the listed clips, trains."""


class Subset(Params):
    """A share of a protocol, as a protocol of its own, so that its numbers stand apart: some classes, or some tests."""

    of: str
    """The protocol whose parts it takes over."""
    classes: list[str] = Field(default_factory=list)
    """Classes, by label."""
    kept: bool = True
    """true: the clips of these classes only; false: the clips of all others."""
    parts: list[Literal["train", "validation", "test"]] = Field(default=["train", "validation", "test"], min_length=1)
    """With classes: the parts whose clips are chosen by class, the others are taken whole. `kept: false` with train and
    validation leaves classes out of training and tests them among all others."""
    tests: (
        Literal[
            "seen_subjects",
            "unseen_subjects",
            "seen_classes",
            "unseen_classes",
            "tail_verbs",
            "tail_nouns",
            "tail_any",
            "tail_both",
            "new_pairs",
        ]
        | None
    ) = None
    """Instead of classes, which test clips are kept (train and validation clips all are): of subjects who are in the
    train part, or are not; whose class is there, or is not; whose verb is rare there, whose noun, either or both; whose
    verb and noun are both there, but never together. Rare are the smallest classes that together hold at most `tail` of
    the train part, or those that the data set publishes, as it may publish its unseen subjects."""
    tail: float = Field(default=0.2, gt=0, lt=1)
    """Share of the train clips that rare classes hold together."""

    @model_validator(mode="after")
    def _one_kind(self) -> Subset:
        if bool(self.classes) == (self.tests is not None):
            raise ValueError("a subset names classes, or says which tests: one of the two")
        if self.tests is not None and not (self.kept and len(self.parts) == 3):
            raise ValueError("kept and parts belong to classes")
        return self


class Official(Params):
    """Files of clip names, one for each part, that a protocol must agree with clip by clip."""

    train: str
    validation: str
    test: str


class Shares(Params):
    """Options of `unseen_recordings` and `unseen_subjects`."""

    test: float = Field(gt=0, lt=1)
    """Share of the recordings, or subjects, that test; rounded, and at least one."""
    validation: float = Field(ge=0, lt=1)
    """Share of them that validates; 0 for none."""
    seed: int
    """Another seed draws others."""


class Units(Params):
    """Options of `listed_subjects` and `listed_cameras`: what a data set's authors list."""

    train: list[str] = Field(min_length=1)
    """Subjects, or cameras, that train; all others test. A number is told from others by its value: `7` is `007`."""
    validation: list[str] = Field(default_factory=list)
    """Those of them that validate."""

    @model_validator(mode="after")
    def _within(self) -> Units:
        if strange := sorted(set(self.validation) - set(self.train)):
            raise ValueError(f"validation names what does not train: {', '.join(strange)}")
        return self


class Windows(Params):
    """How long videos are cut into clips, and where what happens in them stands."""

    length: float = Field(gt=0)
    """Seconds of a window."""
    overlap: float = Field(ge=0, lt=1)
    """Share of a window that the next one shows again."""
    share: float = Field(ge=0, lt=1)
    """A window has the labels that cover more than this share of it."""
    annotations: str
    """CSV in the source's folder: recording, label, start, end, a row for each time that a label holds."""
    unit: Unit
    """Of its times, which count from the recording's first frame: seconds (also HH:MM:SS.mmm), milliseconds or frames.
    Frame n begins at n / the video's rate, and `end` is the first frame that the label no longer holds for."""


class Protocols(Params):
    """The protocols wanted; one that is not named is not made."""

    cs: Standard | None = None
    """Cross-subject."""
    cv1: Standard | None = None
    """Cross-view, trained on camera 1."""
    cv2: Standard | None = None
    """Cross-view, trained on all cameras but 2 and 5."""
    phase1: Phase1 | None = None
    """The same number of clips of each class."""
    leave_one_subject_out: Standard | None = None
    """A fold for each subject."""
    leave_one_group_out: Standard | None = None
    """A fold for each recording or sequence."""
    unseen_recordings: Shares | None = None
    """Recordings are on one side only."""
    unseen_subjects: Shares | None = None
    """Subjects, and with them their recordings, are on one side only."""
    listed_subjects: Units | None = None
    """Cross-subject by a list: the named subjects train, all others test."""
    listed_cameras: Units | None = None
    """Cross-view by a list: the named cameras train, all others test."""
    given: Standard | None = None
    """The parts of the data set's own lists, where its adapter reads such."""
    random: Random | None = None
    """For data sets that name no subjects: stratified by class, groups kept whole."""

    def chosen(self) -> dict[str, Params]:
        """Return the options of each protocol wanted."""
        return {name: getattr(self, name) for name in type(self).model_fields if getattr(self, name) is not None}


class IngestParams(Params):
    """Block `ingest.<dataset>`."""

    adapter: str
    """Name of a file in stages/ingest/adapters: how the data set names its clips."""
    videos: str | None = None
    """Folder of the videos, where a record's `clips` is one of lists that name them, which may be the same; null:
    without videos, for texts alone."""
    licensed: bool
    """The clips may not be passed on: a source that git or `dvc push` would send is refused, pages show no image."""
    pixels: int = Field(default=8192 * 4320, ge=1)
    """Most pixels of a frame; a video with larger ones is an error and not decoded: a frame of 16,000 x 16,000 takes
    gigabytes of memory, in each process."""
    labels: Labels = "single"
    """single: each clip has one label; multi: several or none, as windows of recordings have. It goes into the class
    list, by which everything that asks, learns or scores is told."""
    windows: Windows | None = None
    """How recordings are cut into clips; leave it out where each file is a clip."""
    rules: Rules | None = None
    """What the labels of one clip must keep, where it may have several; a clip that does not is unusable."""
    protocols: Protocols
    """Which protocols split the clips."""
    published: dict[str, Published] = Field(default_factory=dict)
    """Published test lists, by the name that each has as a protocol; leave it out where there are none."""
    subsets: dict[str, Subset] = Field(default_factory=dict)
    """Some classes of a protocol, by the name that this has as a protocol; leave it out where there are none."""
    official: dict[str, Official] = Field(default_factory=dict)
    """Official lists, by the protocol that they must agree with; leave it out where there are none."""
    accept_leaks: list[str]
    """Protocols whose leaks are known and wanted; any other leak stops the stage once the audit is written."""

    @model_validator(mode="after")
    def _windows_are_multi(self) -> IngestParams:
        if self.windows is not None and self.labels != "multi":
            raise ValueError("a window of a recording may have several labels or none: say labels: multi")
        return self

    @model_validator(mode="after")
    def _names(self) -> IngestParams:
        chosen = set(self.protocols.chosen())
        derived = [*self.published, *self.subsets]
        followed = {item.of for item in self.published.values()} | {item.of for item in self.subsets.values()}
        followed |= set(self.official)
        if unknown := followed - chosen:
            raise ValueError(f"lists and subsets follow protocols that are not made: {sorted(unknown)}")
        if twice := {name for name in derived if derived.count(name) > 1 or name in chosen}:
            raise ValueError(f"lists or subsets are named as other protocols are: {sorted(twice)}")
        if unknown := set(self.accept_leaks) - chosen - set(derived):
            raise ValueError(f"accept_leaks names no protocol: {sorted(unknown)}")
        return self


PARAMS: Declared = {"ingest.{dataset}": IngestParams}
