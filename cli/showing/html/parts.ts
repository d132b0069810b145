/** Pieces of a page that stands alone: no script, no font, no address of anything else. Every text of others is escaped here. */
import { numberText, shareText } from '../census-text.js';
import { visibleText } from '../value-text.js';

/** Markup, as opposed to text: only the functions of this file make it. */
export interface Html {
  readonly markup: string;
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Foreign text: what hides, turns around or ends markup is written out. */
export function escaped(text: string): string {
  return visibleText(text).replace(/[&<>"']/g, (character) => escapes[character] ?? '');
}

/** A template whose values are escaped, unless they are markup already. */
export function html(
  strings: TemplateStringsArray,
  ...values: readonly (Html | readonly Html[] | string | number)[]
): Html {
  const shown = (value: (typeof values)[number] | undefined): string => {
    if (value === undefined) return '';
    if (typeof value === 'string') return escaped(value);
    if (typeof value === 'number') return numberText(value);
    return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
  };
  return { markup: strings.map((text, at) => text + shown(values[at])).join('') };
}

export const nothing: Html = { markup: '' };

export interface Bar {
  readonly label: string;
  readonly count: number;
}

/** Horizontal bars of one measure, the longest first, as a table that can be read aloud. */
export function barChart(title: string, note: string, bars: readonly Bar[], most = 12): Html {
  if (bars.length === 0) return nothing;
  const total = bars.reduce((sum, { count }) => sum + count, 0);
  const longest = Math.max(...bars.map(({ count }) => count), 1);
  const rest = bars.slice(most);
  const shown =
    rest.length === 0
      ? bars
      : [
          ...bars.slice(0, most),
          { label: `${rest.length} others`, count: rest.reduce((sum, { count }) => sum + count, 0) },
        ];
  return html`<section>
    <h2>${title}</h2>
    <p class="note">${note}</p>
    <table class="bars">
      ${shown.map(
        ({ label, count }) =>
          html`<tr>
            <th scope="row">${label}</th>
            <td class="track">${fill(count, longest, 1)}</td>
            <td class="count">${count}</td>
            <td class="share">${shareText(count, total)}</td>
          </tr>`,
      )}
    </table>
  </section>`;
}

/** A part of a bar; `colour` is one of the palette. */
function fill(count: number, of: number, colour: number): Html {
  if (count === 0) return nothing;
  // Hundredths of a percent, so that one of a million is still a line.
  const width = String(Math.max(Math.floor((count * 10_000) / of) / 100, 0.3));
  return { markup: `<span class="fill c${colour}" style="width:${width}%"></span>` };
}

export interface StackedBar {
  readonly label: string;
  readonly counts: readonly number[];
}

/** Bars of several measures side by side, with a legend. */
export function stackedChart(
  title: string,
  note: string,
  measures: readonly string[],
  bars: readonly StackedBar[],
): Html {
  if (bars.length === 0) return nothing;
  const sums = bars.map(({ counts }) => counts.reduce((sum, count) => sum + count, 0));
  const longest = Math.max(...sums, 1);
  const legend = measures.map((measure, at) => html`<li><span class="swatch ${`c${at + 2}`}"></span>${measure}</li>`);
  return html`<section>
    <h2>${title}</h2>
    <p class="note">${note}</p>
    <ul class="legend">
      ${legend}
    </ul>
    <table class="bars">
      ${bars.map(
        ({ label, counts }, at) =>
          html`<tr>
            <th scope="row">${label}</th>
            <td class="track">
              <span class="stack">${counts.map((count, measure) => fill(count, longest, measure + 2))}</span>
            </td>
            <td class="count">${sums[at] ?? 0}</td>
            <td class="share">${counts.map((count) => numberText(count)).join(' / ')}</td>
          </tr>`,
      )}
    </table>
  </section>`;
}

export function table(
  title: string,
  note: string,
  heads: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): Html {
  if (rows.length === 0) return nothing;
  return html`<section>
    <h2>${title}</h2>
    ${note === '' ? nothing : html`<p class="note">${note}</p>`}
    <div class="wide">
      <table class="rows">
        <thead>
          <tr>
            ${heads.map((head) => html`<th scope="col">${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                ${row.map((cell) => (typeof cell === 'number' ? html`<td class="number">${cell}</td>` : html`<td>${cell}</td>`))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

export function tiles(all: readonly { readonly label: string; readonly value: string | number }[]): Html {
  return html`<dl class="tiles">
    ${all.map(
      ({ label, value }) =>
        html`<div>
          <dt>${label}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

const style = `
:root{color-scheme:light dark;--ground:#fbfbfa;--card:#fff;--ink:#1d2127;--soft:#5c6470;--line:#e2e4e8;--track:#eef0f3;--warn:#fff6e0;--warnline:#d99a1c;--c1:#3566b8;--c2:#2e8b6f;--c3:#c98a1b;--c4:#c2453d}
@media(prefers-color-scheme:dark){:root{--ground:#15181c;--card:#1d2126;--ink:#e6e8eb;--soft:#9aa3af;--line:#30353d;--track:#282d34;--warn:#33290f;--warnline:#d99a1c;--c1:#6d9bea;--c2:#4fb995;--c3:#e0ac4a;--c4:#e5766d}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:66rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .25rem}
h2{font-size:1.05rem;margin:0 0 .15rem}
.facts,.note,.share{color:var(--soft)}
.facts{margin:0 0 1.5rem;overflow-wrap:anywhere}
.note{margin:0 0 .75rem;font-size:.9rem}
section,.cause{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem 1.15rem;margin:0 0 1rem}
.cause{background:var(--warn);border-color:var(--warnline)}
.cause p{margin:0;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;margin:0 0 1rem}
.tiles div{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.65rem .9rem}
dt{color:var(--soft);font-size:.85rem}
dd{margin:0;font-size:1.35rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .5rem .3rem 0;vertical-align:middle;font-weight:400}
.bars{table-layout:fixed}
.bars th{width:34%;overflow-wrap:anywhere}
.track{width:auto}
.track .fill,.track .stack{display:block;height:.95rem}
.track .stack{display:flex}
.stack .fill{flex:none;display:block}
.fill{border-radius:2px}
.c1{background:var(--c1)}.c2{background:var(--c2)}.c3{background:var(--c3)}.c4{background:var(--c4)}
.count{width:7rem;text-align:right;font-variant-numeric:tabular-nums}
.share{width:8.5rem;text-align:right;font-variant-numeric:tabular-nums;font-size:.9rem;padding-right:0}
.legend{list-style:none;display:flex;gap:1.25rem;margin:0 0 .5rem;padding:0;font-size:.9rem}
.swatch{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;margin-right:.4rem;vertical-align:-.08rem}
.wide{overflow-x:auto}
.rows th{color:var(--soft);font-size:.85rem;border-bottom:1px solid var(--line)}
.rows td{border-bottom:1px solid var(--line);overflow-wrap:break-word}
.rows tr:last-child td{border-bottom:0}
.rows td.number{font-variant-numeric:tabular-nums;white-space:nowrap}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
footer{color:var(--soft);font-size:.85rem}
@media(max-width:40rem){.share{display:none}.count{width:5.5rem}.bars th{width:42%}}
@media print{body{background:#fff}section,.tiles div{break-inside:avoid}}
`;

/** First bytes of every page: by them a later report knows that it may take the place of this one. */
export const pageMark = '<!doctype html>\n<!-- concordat report -->\n';

/** HAZARD: nothing may be loaded and nothing may run, whatever got past the escaping; the policy says so to the browser. */
export function page(title: string, body: Html): string {
  return `${pageMark}<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer"><title>${escaped(title)}</title><style>${style}</style></head><body><main>${body.markup}</main></body></html>\n`;
}
