"""Verify one's own model: `refkeras verify MODEL.keras`.

`loading` reads the file, and as much of it as refkeras has layers for; `data`
makes or reads what goes in; `probe` is what each engine is asked, in its own
process; `judging` lays the engine's numbers beside refkeras's, which carry
error bars; `findings` are what came out, and `table`, `page` and `records` say
it on the screen, as a web page and as JSON.
"""
