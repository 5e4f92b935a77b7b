/** Namespace addresses, and the prefixes WinRM binds to them; foreign clients look answers up by these very prefixes. */
export const NS = {
  s: "http://www.w3.org/2003/05/soap-envelope",
  a: "http://schemas.xmlsoap.org/ws/2004/08/addressing",
  x: "http://schemas.xmlsoap.org/ws/2004/09/transfer",
  n: "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
  w: "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
  p: "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
  cim: "http://schemas.dmtf.org/wbem/wscim/1/common",
  xsi: "http://www.w3.org/2001/XMLSchema-instance",
  f: "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
  rsp: "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
  wsmid: "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd",
} as const;

export const ANONYMOUS = `${NS.a}/role/anonymous`;

export const ACTION = {
  get: `${NS.x}/Get`,
  put: `${NS.x}/Put`,
  create: `${NS.x}/Create`,
  delete: `${NS.x}/Delete`,
  enumerate: `${NS.n}/Enumerate`,
  pull: `${NS.n}/Pull`,
  release: `${NS.n}/Release`,
  command: `${NS.rsp}/Command`,
  send: `${NS.rsp}/Send`,
  receive: `${NS.rsp}/Receive`,
  signal: `${NS.rsp}/Signal`,
  fault: "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
} as const;

export const WQL_DIALECT = "http://schemas.microsoft.com/wbem/wsman/1/WQL";
export const SHELL_RESOURCE = `${NS.rsp}/cmd`;
export const COMMAND_STATE = `${NS.rsp}/CommandState`;
export const SIGNAL_TERMINATE = `${NS.rsp}/signal/terminate`;
export const SIGNAL_CTRL_C = `${NS.rsp}/signal/ctrl_c`;
export const WMI_RESOURCE = "http://schemas.microsoft.com/wbem/wsman/1/wmi/";
export const DMTF_RESOURCE = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/";
