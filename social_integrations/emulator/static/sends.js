// Beside the phone: Meta's clock, what the next send is answered with, and what the CRM sent.

import { act, byId, call, element, whenChanged } from "./page.js";

const DAY = 86400;
const ANSWERS = { sent: "good", error: "bad", lost: "wait" };

export function renderSends(world, thread) {
  byId("window").textContent = sentence(world, thread);
  whenChanged("sent", world.sent, () => renderSent(world.sent));
  const waiting = world.faults.filter(({ only }) => only === "message");
  byId("waiting").hidden = !waiting.length;
  byId("waiting").textContent = `${waiting.reduce((sum, { times }) => sum + times, 0)} to fail`;
  byId("next-clear").hidden = !waiting.length;
}

function sentence({ clock_ahead: ahead }, thread) {
  const clock = ahead ? ` Meta's clock is ${span(ahead)} ahead.` : "";
  const age = thread?.seconds_since_customer ?? null;
  if (age === null) return `This customer has not written: no window is open.${clock}`;
  const state = age < DAY ? `closes in ${span(DAY - age)}` : "is closed";
  return `The customer wrote ${age < 60 ? "just now" : `${span(age)} ago`}; Meta's 24-hour window ${state}.${clock}`;
}

function span(seconds) {
  const [days, hours, minutes] = [seconds / DAY, (seconds % DAY) / 3600, (seconds % 3600) / 60].map(Math.floor);
  if (days) return `${days} d ${hours} h`;
  return hours ? `${hours} h ${minutes} min` : `${minutes} min`;
}

function renderSent(sent) {
  byId("sent-nothing").hidden = sent.length > 0;
  byId("sent").replaceChildren(
    ...sent.slice(0, 20).map((row) => {
      const code = row.code ? ` ${row.code}${row.subcode ? `/${row.subcode}` : ""}` : "";
      const doubt = row.answer !== "sent" && row.done ? ", though sent" : "";
      const twice = row.times > 1 ? `, ${row.times}× in all` : "";
      return element("li", {}, [
        element("strong", { text: words(row) }),
        element("span", { className: `badge ${ANSWERS[row.answer]}`, text: `${row.answer}${code}${doubt}` }),
        element("small", { text: `#${row.id} · ${row.login || "no login"} · HTTP ${row.status}${twice}` }),
      ]);
    }),
  );
}

function words({ what, request }) {
  if (what !== "message") return request.sender_action ?? what;
  const { text, attachment, attachments } = request.message ?? {};
  const several = Array.isArray(attachments) ? `${attachments.length} pictures` : "";
  return text ?? attachment?.type ?? (several || "message");
}

export async function fillAnswers() {
  const { answers } = await call("next-send", null, { method: "GET" });
  byId("next-answer").replaceChildren(
    ...answers.map(({ answer, label }) => {
      const text = /^\d/.test(answer) ? `${answer} ${label.replace(/^\(#\d+\) /, "")}` : label;
      return element("option", { value: answer, text });
    }),
  );
}

byId("next").addEventListener("submit", (event) => {
  event.preventDefault();
  act(() => call("next-send", { answer: byId("next-answer").value }));
});
byId("next-clear").addEventListener("click", () => act(() => call("faults", null, { method: "DELETE" })));
byId("real-time").addEventListener("click", () => act(() => call("clock", { ahead: 0 })));
for (const button of document.querySelectorAll("[data-advance]")) {
  const advance = Number(button.dataset.advance);
  button.addEventListener("click", () => act(() => call("clock", { advance })));
}
