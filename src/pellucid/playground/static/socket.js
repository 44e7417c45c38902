// The transport of the page that is served: commands and frames over a WebSocket, files by requests of their own.

export function openSocket(receive, closed) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/experiment`);
  socket.onmessage = (event) => receive(JSON.parse(event.data));
  socket.onclose = (event) => closed(event.code);
  return {
    addressed: true, // the state stands in the page's own address
    send: (text) => socket.readyState === WebSocket.OPEN && (socket.send(text), true),
    upload: async (kind, file) => {
      const answer = await fetch(`/${kind}?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file }).catch(() => null);
      return answer?.json().catch(() => null) ?? null;
    },
  };
}
