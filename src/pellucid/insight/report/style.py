"""The style of the report: calm colors for light and dark paper, one column that fits a phone, and print."""

STYLE = """
:root{color-scheme:light dark;
--paper:#f6f7f9;--card:#ffffff;--ink:#1b1f24;--gray:#57606a;--grid:#e3e6ea;--line:#d5dae0;
--positive:#0072b2;--negative:#c44f00;--soft:#e8f1f8;
--problem:#b3261e;--warning:#8a5a00;--note:#1f5fa8;
--series-2:#00805f;--series-3:#a8527f;--series-4:#2f86b8;--series-5:#a86f00;--series-6:#1b1f24;--series-7:#7d7400}
@media (prefers-color-scheme:dark){:root{
--paper:#0d1117;--card:#161b22;--ink:#e6edf3;--gray:#9aa4af;--grid:#2a313a;--line:#30363d;
--positive:#4fb3f0;--negative:#ff9a4d;--soft:#16283a;
--problem:#ff8a80;--warning:#e3b341;--note:#79b8ff;
--series-2:#3fcf9f;--series-3:#e59bc4;--series-4:#8fd0f5;--series-5:#f0b84a;--series-6:#e6edf3;--series-7:#d6cb45}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;
overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:clamp(1.5rem,1.1rem + 2vw,2.3rem);line-height:1.2;margin:.2em 0 .4em;letter-spacing:-.015em}
h2{font-size:1.3rem;line-height:1.3;margin:0 0 .5rem;letter-spacing:-.01em}
h3{font-size:1rem;line-height:1.4;margin:0 0 .35rem}
p{margin:0 0 .8rem;max-width:44rem}
.kicker,.quiet,figcaption{color:var(--gray);font-size:.875rem}
.kicker{text-transform:uppercase;letter-spacing:.06em;font-size:.75rem;font-weight:600;margin:0}
.lead{font-size:1.08rem}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.25rem;margin:1.1rem 0}
section>:last-child{margin-bottom:0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,9rem),1fr));gap:.75rem;margin:1.2rem 0}
.figure{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:.8rem 1rem}
.figure b{display:block;font-size:1.65rem;line-height:1.25;font-weight:650;letter-spacing:-.02em}
.figure span{color:var(--gray);font-size:.8125rem;display:block;line-height:1.4}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,23rem),1fr));gap:1.5rem;margin:1rem 0}
figure{margin:0;min-width:0}
figure>svg{display:block;width:100%;max-width:30rem;height:auto;font-family:inherit}
.wide{overflow-x:auto}
.wide>svg{min-width:40rem;max-width:100%}
figcaption{margin-top:.35rem}
.scroll{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;width:100%;font-size:.875rem;line-height:1.4}
th{text-align:left;font-weight:600;color:var(--gray);font-size:.8125rem;vertical-align:bottom}
th,td{padding:.4rem .8rem .4rem 0;border-bottom:1px solid var(--grid)}
td{vertical-align:top}
.scroll th,.scroll td{min-width:3.2rem;overflow-wrap:break-word}
tbody tr:last-child td{border-bottom:0}
.number{text-align:right;white-space:nowrap}
.bars td{vertical-align:middle}
.bars td:first-child{width:32%}
.bars .number{white-space:normal}
.bar{height:.8rem;border-radius:2px;background:var(--positive);min-width:1px}
.bar.below{background:var(--negative)}
.track{position:relative;min-width:5rem}
.spread{position:absolute;top:calc(50% - 1px);height:2px;background:var(--ink);opacity:.7}
ul{padding-left:1.1rem;margin:.4rem 0 .8rem;max-width:46rem}
li{margin:.25rem 0}
.findings{list-style:none;padding:0}
.findings li{border-left:4px solid var(--line);padding:.15rem 0 .15rem .9rem;margin:.9rem 0}
.findings .problem{border-color:var(--problem)}.findings .warning{border-color:var(--warning)}
.findings .note{border-color:var(--note)}
.problem h3{color:var(--problem)}.warning h3{color:var(--warning)}.note h3{color:var(--note)}
code{font:0.8125rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;
background:var(--soft);border-radius:5px;padding:.15em .4em}
.warned{background:var(--soft);border-radius:8px;padding:.6rem .9rem}
details summary{cursor:pointer;color:var(--gray);font-size:.875rem;margin:.5rem 0}
footer{color:var(--gray);font-size:.8125rem;margin-top:1.5rem}
@media (max-width:30rem){section{padding:1rem .9rem}main{padding:1rem .6rem 3rem}}
@media print{:root{--paper:#ffffff}body{font-size:11pt}main{max-width:none;padding:0}
section{border:0;padding:.5rem 0;break-inside:auto}figure,tr,.figure,.findings li{break-inside:avoid}
.scroll,.wide{overflow:visible}.wide>svg{min-width:0}}
"""
