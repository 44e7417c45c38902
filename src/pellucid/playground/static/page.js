// The page: it shows the frames that come over the WebSocket, and sends commands.
const numbers = document.getElementById("numbers");
const button = document.getElementById("play");
const socket = new WebSocket(`ws://${location.host}/experiment`);
let playing = false;
let id = 0;

socket.onmessage = ({ data }) => {
  const frame = JSON.parse(data);
  if (frame.frame === "error") numbers.textContent = frame.message;
  if (frame.frame !== "progress") return;
  playing = frame.playing;
  button.textContent = playing ? "Pause" : "Play";
  numbers.textContent = `epoch ${frame.epoch}, loss ${frame.train.loss}`;
};
button.onclick = () => socket.send(JSON.stringify({ command: playing ? "pause" : "play", id: ++id }));
