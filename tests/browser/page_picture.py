"""The beginning of a study's page, down to its forest plot, as the documents' picture:

python -m tests.browser.page_picture PAGE.html docs/images/page.png
"""

import base64
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.browser.screenshot import browser

WIDTH, COLOURS = 800, 64


def take(page, picture):
    """Write the picture, of few colours so that it is small."""
    with tempfile.TemporaryDirectory() as profile, browser(profile) as window:
        size = {"width": WIDTH, "height": 1000, "deviceScaleFactor": 1.5, "mobile": False}
        window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        light = [{"name": "prefers-color-scheme", "value": "light"}]
        window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": light})
        window.get(Path(page).resolve().as_uri())
        end = window.execute_script(
            "return document.querySelector('#differences figure').getBoundingClientRect().bottom"
        )
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": end + 10, "scale": 1}
        taken = window.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    drawn = Image.open(io.BytesIO(base64.b64decode(taken["data"]))).convert("RGB")
    drawn.quantize(COLOURS).save(picture, optimize=True)


if __name__ == "__main__":
    take(*sys.argv[1:])
