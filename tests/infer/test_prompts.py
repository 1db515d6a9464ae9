"""The embedded model is taught the default prompts: as the prompt files word them now, or it meets them untaught."""

from pathlib import Path

import numpy as np
import pytest

from stages.infer.strategies import PROMPTS
from stages.labels.words import in_words
from stages.pretrain.lessons import LESSONS, Activity
from stages.vlm.prompts import Prompt

STAGES = Path(__file__).resolve().parents[2] / "stages"
ACTIVITIES = [
    Activity("Cook_Stir", "stirring a pot", "stirring", "ladle"),
    Activity("Readbook", "reading a book", "reading", "book"),
    Activity("Walk", "walking through the room", "walking", None),
    Activity("Drink_Fromcup", "drinking from a cup", "drinking", "cup"),
    Activity("Sitdown", "sitting down on the sofa", "sitting down", None),
]
WORDS = [in_words(activity.label) for activity in ACTIVITIES]


def asked(lesson):
    make, _ = LESSONS[lesson]
    return make(ACTIVITIES[0], ACTIVITIES[1:], np.random.default_rng(0)).question


def between(text, before, after):
    return text.split(before, 1)[1].rsplit(after, 1)[0]


@pytest.mark.parametrize("lesson", ["describe", "one_class", "choose", "judge", "hinted", "judge_text"])
def test_lessons_are_worded_as_the_prompts(lesson):
    question = asked(lesson)
    if lesson == "describe":
        filled = Prompt(PROMPTS, "describe").fill()
    elif lesson == "one_class":
        filled = Prompt(PROMPTS, "per_class").fill(activity=between(question, "shown: ", "? Answer"))
    elif lesson == "choose":
        listed = between(question, "shown: ", "? Answer").split(", ")
        filled = Prompt(PROMPTS, "list").fill(activities=listed, many=False)
    elif lesson == "judge":
        prompt = Prompt(STAGES / "metrics" / "prompts", "judge")
        reference, prediction = between(question, 'Reference: "', '" Does').split('" Prediction: "')
        filled = prompt.fill(reference=reference, prediction=prediction)
    elif lesson == "judge_text":
        caption, activity = between(question, 'as: "', "? Answer").split('" Is this activity taking place: ')
        filled = Prompt(PROMPTS, "judge").fill(caption=caption, activity=activity)
    else:
        keywords = [between(question, "words: ", ".").split(", ")]
        filled = Prompt(STAGES / "caption" / "prompts", "ask").fill(activities=[WORDS[0]], keywords=keywords)
    assert question == filled
