// Keeps the live picture alive: a stream that ends (the camera restarted, the login expired) is opened again.
const live = document.getElementById("live");
const state = document.getElementById("state");
let pause = 1000;

live.addEventListener("error", () => {
  state.textContent = "No connection to the camera. Trying again …";
  setTimeout(() => {
    live.src = `videostream.cgi?.=${Date.now()}`;
    pause = Math.min(pause * 2, 15000);
  }, pause);
});

live.addEventListener("load", () => {
  state.textContent = "";
  pause = 1000;
});
