/** Whether Envoy has an endpoint at this address in any cluster. An Envoy that does not answer sends nothing: false. */
export async function isRouted(admin: string, address: string): Promise<boolean> {
  try {
    const response = await fetch(`${admin}/clusters`, { signal: AbortSignal.timeout(2000) });
    return (await response.text()).includes(`::${address}:`);
  } catch {
    return false;
  }
}
