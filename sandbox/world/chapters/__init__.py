"""The chapters of the story, each a coroutine over one site's scene, told in the order of `story.CHAPTERS`."""
