from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.answer import LONGEST_REPLY, SCHEMA, ModelReply, believed, sayable

JSON = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 5),
    st.floats(),
    st.text(alphabet="ab \n\x00\ud800\u200b", max_size=9),
    st.lists(st.integers(), max_size=2),
)


class TestBelieved:
    def test_a_reply_and_a_risk_are_believed(self) -> None:
        assert believed({"reply": " Evening. ", "risk": 2}) == ModelReply(reply="Evening.", risk=2)

    @pytest.mark.parametrize(
        "data",
        [
            {},
            {"reply": "x"},
            {"risk": 0},
            {"reply": 5, "risk": 0},
            {"reply": "", "risk": 0},
            {"reply": " \n ", "risk": 0},
            {"reply": "\x00\ud800", "risk": 0},
            {"reply": "x", "risk": "0"},
            {"reply": "x", "risk": True},
            {"reply": "x", "risk": 0.0},
            {"reply": "x", "risk": 4},
            {"reply": "x", "risk": -1},
            {"reply": "x", "risk": 0, "tool": "rm"},
            {"reply": "x" * (LONGEST_REPLY + 1), "risk": 0},
            {"reply": ["x"], "risk": 0},
        ],
    )
    def test_anything_else_is_broken(self, data: dict[str, Any]) -> None:
        assert believed(data) is None

    @given(st.dictionaries(st.sampled_from(["reply", "risk", "x"]), JSON, max_size=3))
    def test_whatever_is_believed_can_be_said(self, data: dict[str, Any]) -> None:
        said = believed(data)

        if said is not None:
            assert said.reply.strip()
            assert all(sayable(c) or c in "\n\t" for c in said.reply)
            assert said.risk in {0, 1, 2, 3}

    def test_the_schema_asks_for_what_is_believed(self) -> None:
        assert set(SCHEMA["required"]) == set(ModelReply.model_fields)
        assert SCHEMA["additionalProperties"] is False
