"""A/B tests of emails and texts, content experiments of push and WhatsApp: one step, several variations of a message.

Variations are whole actions inside the step; `allocations` says by their temporary ids which share of people each
one gets. `main_action` is the message beside the variations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal
from uuid import uuid4

from pydantic import ConfigDict

from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds import dates
from flowbuilder.kinds.asks import get_at, is_ask, set_at
from flowbuilder.kinds.base import (
    ActionKind,
    Finding,
    Hint,
    Number,
    Settings,
    StatusField,
    Words,
    count,
)
from flowbuilder.kinds.messages import MessageKind, SendEmail, SendSms
from flowbuilder.kinds.push import SendPush
from flowbuilder.kinds.unions import Choice
from flowbuilder.kinds.variations import (
    EmailAction,
    Inner,
    PushAction,
    SmsAction,
    WhatsAppAction,
    new_inner,
    without,
)
from flowbuilder.kinds.whatsapp import SendWhatsApp

VARIATIONS: Path = ("current_experiment", "variations")
ALLOCATIONS: Path = ("current_experiment", "allocations")


# --- The experiment ---------------------------------------------------------------------------------------------


class WinnerSettings(Settings):
    START: ClassVar[dict[str, Any]] = {
        "enabled": True,
        "automatic_end_date": None,
        "automatic_end_statistical_certainty": True,
    }
    enabled: Annotated[bool, Hint("Klaviyo chooses the winner")]
    automatic_end_statistical_certainty: Annotated[
        bool, Hint("As soon as the difference is certain", "Statistically significant, in Klaviyo's words.")
    ]
    automatic_end_date: Annotated[
        dates.Moment | None, Hint("At the latest on", "Empty: no last day.", widget="moment")
    ] = None

    def rules(self) -> Iterator[Finding]:
        if self.enabled and not self.automatic_end_statistical_certainty and not self.automatic_end_date:
            text = "The test never ends: give it a last day, or let it end when the difference is certain."
            yield Finding("never-ends", text, ("automatic_end_date",), blocks=False)


class Running(Settings):
    """What both kinds of experiment have in common while one is under way."""

    name: Annotated[str | None, Hint("Name of the test")] = None
    variations: list[Any]
    allocations: Annotated[
        dict[str, Annotated[Number, Hint(widget="percent")]] | None,
        Hint("Percent of people", "Together 100.", widget="each"),
    ] = None
    started: Annotated[str | None, Hint(widget="hidden")] = None
    winner_metric: str | None = None

    @classmethod
    def entries(cls, name: str, settings: Config) -> dict[str, str]:
        """A share for each variation, called by its name."""
        held = super().entries(name, settings)
        made: dict[str, str] = {}
        variations = settings.get("variations")
        for index, one in enumerate(variations if isinstance(variations, list) else [], 1):
            key, called = get_at(one, ("temporary_id",)), get_at(one, ("data", "message", "name"))
            if isinstance(key, str) and key:
                made[key] = called if isinstance(called, str) and called else f"Variation {index}"
        return made | {key: f"{key}, which is no variation" for key in held if key not in made}

    def findings(self) -> list[Finding]:
        return [_said_of_variation(one) for one in super().findings()]

    def rules(self) -> Iterator[Finding]:
        if len(self.variations) < 2:
            yield Finding("no-variations", "A test needs two variations or more: add one.", ("variations",))
        if not self.winner_metric:
            text = "Choose what decides the winner."
            yield Finding("no-winner-metric", text, ("winner_metric",), blocks=False)
        yield from self._shares()

    def _shares(self) -> Iterator[Finding]:
        path, shares = ("allocations",), self.allocations or {}
        evenly = "Share evenly"
        names = [one.temporary_id for one in self.variations]
        if not shares:
            text = "Say how many people get each variation."
            yield Finding("no-shares", text, path, blocks=False, repair=evenly)
        elif sorted(shares) != sorted(map(str, names)):
            text = "Each variation has one share, and nothing else has."
            yield Finding("shares-of-others", text, path, repair=evenly)
        elif any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 0.001:
            text = f"The shares make {sum(shares.values()) * 100:.4g} percent together, not 100."
            yield Finding("shares-do-not-add-up", text, path, repair=evenly)


class AbTestRunning(Running):
    START: ClassVar[dict[str, Any]] = {
        "variations": [{"type": "send-email", **EmailAction.START} for _ in range(2)],
        "allocations": {},  # tidied when the variations have their ids
        "winner_metric": "unique-opens",
    }
    variations: Annotated[
        list[Annotated[Inner, Choice(EmailAction, SmsAction, offered=False)]], Hint("Variations")
    ]
    winner_metric: Annotated[
        Literal["unique-opens", "unique-clicks", "unique-placed-orders", "submission"] | None,
        Hint(
            "The winner has most",
            choices={
                "unique-opens": "opens",
                "unique-clicks": "clicks",
                "unique-placed-orders": "orders",
                "submission": "forms sent in",
            },
        ),
    ] = None
    automatic_winner_selection_settings: Annotated[
        WinnerSettings | None, Hint("End of the test", "Set it, or choose the winner by hand in Klaviyo.")
    ] = None


class ContentExperimentRunning(Running):
    START: ClassVar[dict[str, Any]] = {
        "variations": [{"type": "send-mobile-push", **PushAction.START} for _ in range(2)],
        "allocations": {},
        "winner_metric": "click-rate",
    }
    variations: Annotated[
        list[Annotated[Inner, Choice(PushAction, WhatsAppAction, offered=False)]], Hint("Variations")
    ]
    winner_metric: Annotated[
        Literal["click-rate", "open-rate"] | None,
        Hint("The winner has the best", choices={"click-rate": "click rate", "open-rate": "open rate"}),
    ] = None


class Experiment(ActionKind):
    """Both kinds of experiment. Subclasses say which messages, and what decides."""

    FAMILY = "message"
    SENDS = True
    MESSAGES: ClassVar[tuple[type[MessageKind], ...]]
    WINNER: ClassVar[dict[str, Any]]

    main_action: Inner
    current_experiment: Running | None = None
    status: StatusField = "draft"

    @classmethod
    def wrap(cls, kind: type[MessageKind], data: Config) -> dict[str, Any]:
        """An experiment that tests a message against a copy of itself."""

        def inner(name: str, called: str) -> dict[str, Any]:
            message = data.get("message")
            named = {**data, "message": {**message, "name": called}} if called and message else dict(data)
            return {"temporary_id": name, "type": kind.TYPE, "links": {"next": None}, "data": named}

        ids = [f"variation-{uuid4().hex[:12]}" for _ in range(2)]
        running = {
            "name": None,
            "variations": [inner(one, f"Variation {letter}") for one, letter in zip(ids, "AB", strict=True)],
            "allocations": dict.fromkeys(ids, 0.5),
            **cls.WINNER,
        }
        main = inner(f"main-{uuid4().hex[:12]}", "")
        return {"status": "draft", "main_action": main, "current_experiment": running}

    @classmethod
    def start(cls) -> dict[str, Any]:
        return cls.wrap(cls.MESSAGES[0], cls.MESSAGES[0].start())

    @classmethod
    def renew(cls, config: dict[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
        """What an account adds and no new flow may send: ids of messages, ids and the state of an experiment."""
        fresh = without(config, "message", "id")
        fresh.pop("experiment_status", None)
        fresh = without(fresh, "current_experiment", "id")
        for path in (("main_action",), *_variations(fresh)):
            if isinstance(action := get_at(fresh, path), Mapping):
                fresh = set_at(fresh, path, new_inner(action))
        return fresh, []

    @classmethod
    def tidy(cls, config: dict[str, Any]) -> dict[str, Any]:
        """All variations are of the main message's type, each has an id, and shares are spread again when the
        variations are others than they were. What a kind tidies in a message, it tidies inside as well."""
        variations = list(_variations(config))
        paths: list[Path] = [("main_action",), *variations]
        kinds = {kind.TYPE: kind for kind in cls.MESSAGES}
        if not all(get_at(config, (*path, "type")) in [*kinds] for path in paths):
            return config
        fresh: Any = config
        main = get_at(config, ("main_action", "type"))
        if variations and not any(get_at(config, (*path, "type")) == main for path in variations):
            for path in variations:
                other = {"type": main, "data": kinds[main].start()}
                fresh = set_at(fresh, path, {**get_at(fresh, path), **other})
        for path in paths:
            if not get_at(fresh, (*path, "temporary_id")):
                name = "main" if path == ("main_action",) else "variation"
                fresh = set_at(fresh, (*path, "temporary_id"), f"{name}-{uuid4().hex[:12]}")
            data, kind = get_at(fresh, (*path, "data")), kinds[get_at(fresh, (*path, "type"))]
            if isinstance(data, dict) and (tidied := kind.tidy(data)) is not data:
                fresh = set_at(fresh, (*path, "data"), tidied)
        shares = get_at(fresh, ALLOCATIONS)
        names = {str(get_at(fresh, (*path, "temporary_id"))) for path in variations}
        if isinstance(shares, Mapping) and not is_ask(shares) and set(shares) != names:
            fresh = cls.mend(fresh, "shares-of-others")
        return dict(fresh)

    @classmethod
    def again(cls, config: dict[str, Any]) -> dict[str, Any]:
        """The messages inside get temporary ids of their own, and their shares follow."""
        fresh: Any = config
        names: dict[str, str] = {}
        for path in (("main_action",), *_variations(config)):
            if isinstance(old := get_at(config, (*path, "temporary_id")), str) and old:
                names[old] = f"{old.partition('-')[0]}-{uuid4().hex[:12]}"
                fresh = set_at(fresh, (*path, "temporary_id"), names[old])
        if isinstance(shares := get_at(config, ALLOCATIONS), Mapping) and not is_ask(shares):
            renamed = {names.get(key, key): share for key, share in shares.items()}
            fresh = set_at(fresh, ALLOCATIONS, renamed)
        return dict(fresh)

    @classmethod
    def mend(cls, config: dict[str, Any], code: str) -> dict[str, Any]:
        """Even shares."""
        ids = [get_at(config, (*path, "temporary_id")) for path in _variations(config)]
        if code not in ("no-shares", "shares-of-others", "shares-do-not-add-up") or not ids or not all(ids):
            return config
        share = round(1 / len(ids), 4)
        shares = {str(one): share for one in ids[:-1]}
        shares |= {str(one): round(1 - share * (len(ids) - 1), 4) for one in ids[-1:]}
        return dict(set_at(config, ALLOCATIONS, shares))

    def title(self, words: Words) -> str:
        running = self.current_experiment
        return (running and running.name) or self.LABEL

    def summary(self, words: Words) -> str:
        running = self.current_experiment
        if running is None:
            return f"No test is under way: {self.main_action.data.summary(words)}"
        what = _NOUNS[self.main_action.data.TYPE]
        how = f"; {self._decides(running.winner_metric)}" if running.winner_metric else ""
        return f"Tries {count(len(running.variations), what)}{how}."

    def _decides(self, metric: str) -> str:
        raise NotImplementedError

    def findings(self) -> list[Finding]:
        return [
            _said_of("Main message", one) if one.path[:1] == ("main_action",) else one
            for one in super().findings()
        ]

    def rules(self) -> Iterator[Finding]:
        if self.current_experiment is not None:
            for index, one in enumerate(self.current_experiment.variations):
                if type(one) is not type(self.main_action):
                    text = f"Variation {index + 1} is another kind of message than the main one."
                    yield Finding("other-message", text, (*VARIATIONS, index))


class AbTest(Experiment):
    TYPE = "ab-test"
    LABEL = "A/B test"
    ICON = "ab-test"
    HELP = "Tries several emails or texts, and keeps the best."
    MESSAGES = (SendEmail, SendSms)
    WINNER: ClassVar[dict[str, Any]] = {
        "winner_metric": "unique-opens",
        "automatic_winner_selection_settings": WinnerSettings.START,
    }

    model_config = ConfigDict(title="A/B test")
    current_experiment: Annotated[AbTestRunning | None, Hint("Test")] = None
    main_action: Annotated[
        Inner,
        Choice(EmailAction, SmsAction),
        Hint("Main message", "The step's own message, beside the test."),
    ]

    def _decides(self, metric: str) -> str:
        most = {"unique-opens": "opens", "unique-clicks": "clicks", "unique-placed-orders": "orders"}
        return f"the one with most {most.get(metric, 'forms sent in')} wins"


class ContentExperiment(Experiment):
    TYPE = "content-experiment"
    LABEL = "Content experiment"
    ICON = "flask"
    HELP = "Tries several push notifications or WhatsApp messages, and keeps the best."
    MESSAGES = (SendPush, SendWhatsApp)
    WINNER: ClassVar[dict[str, Any]] = {"winner_metric": "click-rate"}

    model_config = ConfigDict(title="Content experiment")
    current_experiment: Annotated[ContentExperimentRunning | None, Hint("Test")] = None
    main_action: Annotated[
        Inner,
        Choice(PushAction, WhatsAppAction),
        Hint("Main message", "The step's own message, beside the test."),
    ]

    def _decides(self, metric: str) -> str:
        return f"the one with the best {metric.replace('-', ' ')} wins"


_NOUNS = {
    "send-email": "email",
    "send-sms": "text",
    "send-mobile-push": "notification",
    "send-whatsapp": "WhatsApp message",
}


def _said_of(whose: str, found: Finding) -> Finding:
    """What is wrong with a message inside; only settings of one's own can be put right by a press."""
    return Finding(found.code, f"{whose}: {found.text[:1].lower()}{found.text[1:]}", found.path, found.blocks)


def _said_of_variation(found: Finding) -> Finding:
    match found.path:
        case ("variations", int(index), *_):
            return _said_of(f"Variation {index + 1}", found)
    return found


def _variations(config: Config) -> Iterator[Path]:
    found = get_at(config, VARIATIONS)
    yield from ((*VARIATIONS, index) for index in range(len(found) if isinstance(found, list) else 0))
