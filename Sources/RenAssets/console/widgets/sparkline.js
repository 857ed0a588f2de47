// A row of bars: how much happened, when.

import { h } from "../h.js";
import { count } from "../format.js";

const WIDTH = 480;
const HEIGHT = 40;

/** @param {{good: number, bad: number}[]} buckets */
export function sparkline(buckets, label) {
    const most = Math.max(1, ...buckets.map(({ good, bad }) => good + bad));
    const step = WIDTH / Math.max(1, buckets.length);
    const high = (number) => (number ? Math.max(1, (number / most) * HEIGHT) : 0);
    return h(
        "svg", {
            class: "sparkline", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
            "aria-label": `${label}: at most ${count(most)} at a time`,
        },
        buckets.map(({ good, bad }, index) => {
            const [tall, low] = [high(good), high(bad)];
            return h("g", { key: index },
                tall > 0 && h(
                    "rect",
                    { class: "good", x: index * step, width: Math.max(0.5, step - 1), y: HEIGHT - tall, height: tall },
                ),
                low > 0 && h("rect", {
                    class: "bad", x: index * step, width: Math.max(0.5, step - 1), y: Math.max(0, HEIGHT - tall - low),
                    height: low,
                }));
        }),
    );
}
