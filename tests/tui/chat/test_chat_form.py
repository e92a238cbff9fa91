"""System prompt, personas and parameters of a chat."""

from __future__ import annotations

from textual.widgets import Select, TextArea

from localchat.store import Store
from localchat.testing import Script, say, screen_text, settled, still_app
from localchat.tui.catalog.meanwhile import WhichDialog
from localchat.tui.chat.instructions_form import ChatForm

SIZE = (110, 32)


async def test_what_is_saved_is_sent_with_the_next_turn(store: Store) -> None:
    script = Script("Aye.")
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("f4")
        await settled(pilot)
        app.screen.query_one("#system", TextArea).load_text("Speak like a [/pirate].")
        app.screen.query_one("#temperature").value = "0,3"  # type: ignore[attr-defined]
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert not isinstance(app.screen, ChatForm)
        await say(pilot, "Hello")
    request = script.requests[-1][1]
    assert request.system == "Speak like a [/pirate]."
    assert request.parameters == {"temperature": 0.3}


async def test_a_wrong_parameter_is_refused_in_the_form_and_nothing_is_lost(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("f4")
        await settled(pilot)
        app.screen.query_one("#system", TextArea).load_text("Stay.")
        app.screen.query_one("#temperature").value = "hot"  # type: ignore[attr-defined]
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert "“hot” is no number" in screen_text(app)
        assert app.screen.query_one("#system", TextArea).text == "Stay."
    assert store.chats.get(2).system == ""


async def test_a_persona_is_kept_chosen_in_another_chat_and_removed(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("f4")
        await settled(pilot)
        app.screen.query_one("#system", TextArea).load_text("Translate to [b]French[/].")
        await pilot.press("ctrl+k")
        await settled(pilot)
        await pilot.press(*"Translator", "enter")
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert [persona.name for persona in store.personas.all()] == ["Translator"]
        await app.chat_screen.open_chat(1)
        await pilot.press("f4")
        await settled(pilot)
        app.screen.query_one("#persona", Select).value = "Translator"
        await settled(pilot)
        assert app.screen.query_one("#system", TextArea).text == "Translate to [b]French[/]."
        await pilot.press("ctrl+d")
        await settled(pilot)
        assert store.personas.all() == []
        assert app.screen.query_one("#system", TextArea).text == "Translate to [b]French[/]."


# Two windows.


async def test_what_another_window_wrote_into_other_fields_stays(store: Store) -> None:
    app = still_app(store)
    with Store(store.path) as second:
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            await pilot.press("f4")
            await settled(pilot)
            app.screen.query_one("#temperature").value = "0.3"  # type: ignore[attr-defined]
            second.chats.set_instructions(2, system="Be calm.", parameters={"top_p": 0.5, "think": "low"})
            await pilot.press("ctrl+s")
            await settled(pilot)
            assert not isinstance(app.screen, ChatForm)
        chat = second.chats.get(2)
    assert (chat.system, chat.parameters) == ("Be calm.", {"temperature": 0.3, "top_p": 0.5, "think": "low"})


async def test_what_another_window_changes_is_shown_in_the_form(store: Store) -> None:
    app = still_app(store)
    with Store(store.path) as second:
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            await pilot.press("f4")
            await settled(pilot)
            app.screen.query_one("#temperature").value = "0.3"  # type: ignore[attr-defined]
            second.chats.set_instructions(2, system="Be calm.", parameters={"temperature": 0.9})
            app.chats_changed()
            await settled(pilot)
            assert app.screen.query_one("#system", TextArea).text == "Be calm."
            shown = " ".join(screen_text(app).replace("│", " ").split())
            assert "Changed elsewhere meanwhile: The system prompt." in shown
            assert "Temperature was changed elsewhere: 0.9. Saving asks whose is kept." in shown
            await pilot.press("ctrl+s")
            await settled(pilot)
            assert isinstance(app.screen, WhichDialog)
            await pilot.press("m")
            await settled(pilot)
            assert not isinstance(app.screen, ChatForm)
        chat = second.chats.get(2)
    assert (chat.system, chat.parameters) == ("Be calm.", {"temperature": 0.3})


async def test_a_system_prompt_that_both_wrote_is_asked_about(store: Store) -> None:
    app = still_app(store)
    with Store(store.path) as second:
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            await pilot.press("f4")
            await settled(pilot)
            app.screen.query_one("#system", TextArea).load_text("Mine.")
            await settled(pilot)
            second.chats.set_instructions(2, system="Theirs.")
            await pilot.press("ctrl+s")
            await settled(pilot)
            assert isinstance(app.screen, WhichDialog)
            assert second.chats.get(2).system == "Theirs."
            await pilot.press("t")
            await settled(pilot)
        assert second.chats.get(2).system == "Theirs."
