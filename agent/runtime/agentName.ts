/** What a report says of the program that made it; the version is that of package.json. */
export const agentName = "caliber-agent/0.1.0";
