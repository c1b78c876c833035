/** For tests: true once no process has this id; false when it is still there after three seconds. */
export async function goneSoon(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 60 && isAlive(pid); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
