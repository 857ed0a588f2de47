// What would happen to the nodes of a run that is opened again or forked: the answer of a dry run, in words.

import { h } from "../h.js";
import { count, plural, visible } from "../format.js";

/** Stretches of numbers that are named. */
const PARTS = 12;
const names = (nodes) => nodes.map((name) => visible(name, { max: 60 })).join(", ");

/** Some of `7,12-15,207` as `numbers 7, 12-15, 207`. */
function indexList(indexes) {
    const parts = indexes.split(",");
    const more = parts.length > PARTS ? ` and ${count(parts.length - PARTS)} more` : "";
    return `${/^\d+$/.test(indexes) ? "number" : "numbers"} ${parts.slice(0, PARTS).join(", ")}${more}`;
}

/** @param {object} sets `ren.reopening/1` or `ren.fork/1` */
export function setsView(sets) {
    const rows = [
        ["Runs again", names(sets.again)],
        ...Object.entries(sets.items).map(([node, { count, indexes }]) => [
            "Runs again",
            count
                ? `${plural(count, "item")} of ${visible(node, { max: 60 })} (${indexList(indexes)})`
                : `the end of ${visible(node, { max: 60 })}`,
        ]),
        ["Looked at again", sets.affected.length && `${names(sets.affected)}: they run if their input is another one`],
        ["Asks a person", sets.asking.length && `${names(sets.asking)}: to run once, if the input is another one`],
        ["Keeps its result", names(sets.kept)],
        ["Has its result given", names(sets.given ?? [])],
        ["Is new", names(sets.new ?? [])],
        ["Is gone", names(sets.gone ?? [])],
    ].filter(([, what]) => what);
    return h("dl", { class: "sets" }, rows.map(([name, what], place) => [
        h("dt", { key: `t${place}` }, name), h("dd", { key: `d${place}` }, what),
    ]));
}
