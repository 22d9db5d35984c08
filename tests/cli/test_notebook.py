"""What a notebook shows of a result, and what a program takes of it."""

import re

import slalom


def test_a_result_is_a_line_a_table_and_curves(finished):
    folder, _ = finished
    result = slalom.show(folder / "small.yaml", folder / "home")
    assert repr(result) == f"<small: {result.verdict.sentence}>"
    assert "\n" not in repr(result)
    table = result._repr_html_()
    assert [*re.findall("<tr><td>([a-z]+)</td>", table)] == ["sgd", "adam"]
    assert table.endswith("</b></p>")
    curves = result.history()
    trial = curves[(curves["arm"] == "adam") & (curves["phase"] == "confirm") & (curves["search"] == 0)]
    assert trial[trial["number"] == 1]["epoch"].tolist() == [1, 2, 3, 4]
    last = curves.drop_duplicates(["arm", "search", "phase", "number"], keep="last")
    ended = result.trials().set_index(["arm", "search", "phase", "number"])["validation.error"]
    known = last.set_index(["arm", "search", "phase", "number"])["validation.error"]
    assert (ended.loc[known.index] == known).all()
