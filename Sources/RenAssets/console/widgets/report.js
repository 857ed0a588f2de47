// A run as one file to send by mail: no script, nothing to load, everything escaped.

import { path, Problem } from "../api.js";
import { save } from "../files.js";
import { count, duration, now, percent, plural, visible } from "../format.js";
import { nodeNote } from "../words.js";

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:56rem;padding:0 1rem;color:#1c1f23}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #dde1e6;vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums}.q{color:#5b6370}.bad{color:#b3261e}.ok{color:#17693f}
svg{width:100%;height:60px}`;

const escape = (text) => String(text ?? "").replace(/[&<>"']/g, (each) => `&#${each.codePointAt(0)};`);
const shown = (text, max = 600) => escape(visible(text, { max }));

/** @param {import("../store.js").RunStore} store */
export async function saveReport(store, app) {
    try {
        const timeline = await app.api.get(path`/runs/${store.run}/timeline`, { buckets: 120 });
        save(new Blob([report(store, timeline)], { type: "text/html" }), `${store.run}.html`);
    } catch (error) {
        if (!(error instanceof Problem)) throw error;
        app.toasts.say(error.message, null, true);
    }
}

function report(store, timeline) {
    const { snapshot, problems } = store;
    const took = duration((snapshot.ended ? Date.parse(snapshot.ended) : now()) - Date.parse(snapshot.created));
    const { done, total } = store.progress;
    const failures = problems.reduce((sum, group) => sum + group.failures, 0);
    const nodes = Object.entries(snapshot.nodes).map(([name, node]) => {
        const counts = store.counts(name);
        const time = node.begun ? duration((node.ended ? Date.parse(node.ended) : now()) - Date.parse(node.begun)) : "–";
        return `<tr><td>${shown(name)}</td><td>${escape(node.status)}</td><td class="n">${counts ? `${count(counts.succeeded)} / ${count(node.total)}` : "–"}</td>`
            + `<td class="n">${counts?.failed ? count(counts.failed) : "–"}</td><td class="n">${time}</td><td>${escape(nodeNote(node))}</td></tr>`;
    });
    const causes = problems.map((group) =>
        `<tr><td class="n">${count(group.failures)}</td><td><strong>${shown(group.name)}</strong> ${shown(group.message)}<br><span class="q">${shown(group.frame ?? "")}</span></td>`
        + `<td>${shown(group.samples[0]?.key ?? group.samples[0]?.node ?? "", 80)}</td></tr>`);
    return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${shown(snapshot.run)}: ${escape(snapshot.status)}</title><style>${STYLE}</style>
<h1>${shown(snapshot.run)}</h1>
<p><strong class="${snapshot.status === "succeeded" ? "ok" : snapshot.status === "failed" ? "bad" : ""}">${escape(snapshot.status)}</strong> after ${took}, ${percent(done, total)} done, ${plural(failures, "failure")}</p>
<p class="q">flow ${shown(snapshot.flow)}@${escape(snapshot.flow_hash.slice(0, 12))} · started ${escape(snapshot.created)}${snapshot.ended ? ` · ended ${escape(snapshot.ended)}` : ""} · as of event ${count(snapshot.as_of)} · ${escape(new Date().toISOString())}</p>
${snapshot.error ? `<p class="bad">${shown(snapshot.error.name)}: ${shown(snapshot.error.message, 2000)}</p>` : ""}
<h2>Over time</h2>${chart(timeline)}
<h2>Nodes</h2><table><tr><th>Node</th><th>Status</th><th class="n">Succeeded</th><th class="n">Failed</th><th class="n">Took</th><th>What</th></tr>${nodes.join("")}</table>
<h2>Problems</h2>${causes.length ? `<table><tr><th class="n">Failures</th><th>Cause</th><th>For example</th></tr>${causes.join("")}</table>` : "<p>Nothing failed.</p>"}
<p class="q">Journal anchor ${escape(snapshot.anchor)}. Written by the console of ren.</p></html>`;
}

function chart({ lanes, width_milliseconds: width }) {
    const length = lanes[0]?.succeeded.length ?? 0;
    const sums = Array.from({ length }, (_, index) => [
        lanes.reduce((sum, lane) => sum + lane.succeeded[index], 0), lanes.reduce((sum, lane) => sum + lane.failed[index], 0),
    ]);
    const most = Math.max(1, ...sums.map(([good, bad]) => good + bad));
    const bars = sums.map(([good, bad], index) => {
        const [tall, low] = [(good / most) * 60, (bad / most) * 60];
        return `<rect x="${index}" y="${60 - tall}" width=".9" height="${tall}" fill="#2f855a"/><rect x="${index}" y="${60 - tall - low}" width=".9" height="${low}" fill="#c53030"/>`;
    });
    return `<svg viewBox="0 0 ${length} 60" preserveAspectRatio="none" role="img" aria-label="ended over time">${bars.join("")}</svg><p class="q">ended, ${duration(width)} to a bar, at most ${count(most)}</p>`;
}
