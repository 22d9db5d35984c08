"""A study beside a file of the user's own, read after parts of its text were replaced."""

import slalom


def reader(folder, monkeypatch, name, file, study):
    """A function from replacements, each of which must apply, to the study of that text.

    name: of both files in the folder, where the tests then run; file, study: their texts
    """
    monkeypatch.chdir(folder)
    (folder / f"{name}.py").write_text(file)

    def read(*replacements):
        text = study
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        (folder / f"{name}.yaml").write_text(text)
        return slalom.load(f"{name}.yaml")

    return read
