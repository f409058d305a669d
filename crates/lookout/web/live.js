// Keeps the live picture alive: a stream that ends (the camera restarted, the login expired) is opened again.
const live = document.getElementById("live");
const state = document.getElementById("state");
let pause = 1000;

live.addEventListener("error", lost);
live.addEventListener("load", () => {
  state.textContent = "";
  pause = 1000;
});
// It may have failed before this script ran.
if (live.complete && live.naturalWidth === 0) lost();

function lost() {
  state.textContent = "No connection to the camera. Trying again …";
  setTimeout(() => {
    live.src = `videostream.cgi?.=${Date.now()}`;
    pause = Math.min(pause * 2, 15000);
  }, pause);
}
