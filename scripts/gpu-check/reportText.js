/** The report for people. */
export function reportText({ at, node, kernel, host, sources, differences, agent }) {
  const rows = differences
    .filter(({ verdict }) => verdict !== "absent")
    .map(
      ({ uuid, field, verdict, said }) =>
        `| ${uuid} | ${field} | ${verdict} | ${said.map(({ source, value }) => `${source}: ${shown(value)}`).join("; ")} |`,
    );
  const count = (verdict) => differences.filter((found) => found.verdict === verdict).length;
  return `# GPU check

${at}, Node ${node}, ${kernel}, ${host?.vendor ?? "unknown maker"} ${host?.product ?? "unknown product"}, virtualization ${host?.virtualization ?? "unknown"}.

## Sources

| source | GPUs | outcome |
|---|---|---|
${sources
  .map(
    ({ source, gpus, problems, error }) =>
      `| ${source} | ${gpus} | ${cell(error ?? (problems.map(({ message }) => message).join("; ") || "read"))} |`,
  )
  .join("\n")}

## Field by field

${count("differs")} fields contradict each other, ${count("moved")} moved between two readings, ${count("absent")} are given by some sources only. Fields that are not listed are equal everywhere.

| GPU | field | verdict | said |
|---|---|---|---|
${rows.join("\n")}

| field | not given by | given by |
|---|---|---|
${absentRows(differences).join("\n")}

## The agent

${agent.error === null ? "" : `It failed: ${agent.error}\n`}Load: ${agent.load ?? "none was found: both phases are idle"}. Reports signed: ${agent.reports.length}.

| phase | seconds | CPU % of a core | RSS MiB | utilization ‰ | power W | temperature °C |
|---|---|---|---|---|---|---|
${agent.phases
  .map(
    ({ name, seconds, cpu_percent, rss_mib, util_permille, power_mw, temp_mc }) =>
      `| ${name} | ${seconds} | ${cpu_percent ?? "unknown"} | ${rss_mib ?? "unknown"} | ${util_permille ?? "unknown"} | ${power_mw === null ? "unknown" : power_mw / 1000} | ${temp_mc === null ? "unknown" : temp_mc / 1000} |`,
  )
  .join("\n")}

Implausible: ${implausibleText(agent.implausible)}.
`;
}

/** One row for a field and the sources that lack it, however many GPUs it is the same for. */
function absentRows(differences) {
  const rows = differences
    .filter(({ verdict }) => verdict === "absent")
    .map(({ field, said }) => {
      const names = (given) =>
        said.filter(({ value }) => (value !== null) === given).map(({ source }) => source);
      return `| ${field} | ${names(false).join(", ")} | ${names(true).join(", ")} |`;
    });
  return [...new Set(rows)];
}

function implausibleText(found) {
  const codes = [...new Set(found.map(({ code }) => code))];
  const lines = codes.map((code) => {
    const same = found.filter((one) => one.code === code);
    return `${code}, ${same.length} times, first: ${same[0].evidence}`;
  });
  return lines.length === 0 ? "nothing" : lines.join("; ");
}

const shown = (value) => (value === null ? "nothing" : cell(JSON.stringify(value)));
const cell = (text) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
