import type { ComputeHost, HostConnection, HostConnector } from "@signet/control-plane/ports";

/**
 * Where rooms are joined: the control plane knows hosts by shape, and this is the one file that knows whose shape it is.
 * `satisfies` holds the driver to the port, so that a drift between the two rooms is a type error here.
 */
export async function composeHostConnector(): Promise<HostConnector> {
  const { connectHyperVHost } = await import("@signet/hyperv");
  return ((connection: HostConnection) => connectHyperVHost(connection) satisfies ComputeHost) satisfies HostConnector;
}
