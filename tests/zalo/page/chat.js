// The phones: what each person sees and does.  The server (tests/zalo) is the platform; this page only uses its /_admin/ calls.
import { button, dayOf, drawMessage, el, icon, summaryOf, timeOf } from "./message.js";

const $ = (sel, root = document) => root.querySelector(sel);
const COLORS = ["blue", "green", "violet", "orange", "pink", "teal"];
const STICKERS = ["👍", "👏", "🙏", "🎉", "🌱", "💡", "🔧", "🏭", "😀", "😅", "😢", "❤️"];
const SHOWN_MAX = 300;
const TEXT_INPUT_MAX_PX = 132;

const phones = new Map(); // user id -> Phone
let oaName = "Sáng kiến Công đoàn";
let lastSeq = 0;

// ---- the server ----

async function call(path, body, method) {
  const options = body === undefined ? {} : { method: method || "POST", body: body instanceof Blob ? body : JSON.stringify(body) };
  const answer = await fetch("/_admin/" + path, options);
  const json = await answer.json();
  if (!answer.ok) throw new Error(json.error || "HTTP " + answer.status);
  return json;
}

function toast(text) {
  const box = $(".toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { box.hidden = true; }, 4000);
}

async function event(user, kind, more = {}) {
  try {
    return await call("event", { user, kind, wait: false, ...more });
  } catch (e) {
    toast("Chưa gửi được: " + (e instanceof TypeError ? "mất kết nối" : e.message));
    throw e;
  }
}

async function upload(blob, name) {
  return (await call("media?name=" + encodeURIComponent(name.replaceAll("/", "-")), blob)).media;
}

const stored = {
  get: key => { try { return localStorage.getItem("zalo-standin." + key); } catch { return null; } },
  set: (key, value) => { try { localStorage.setItem("zalo-standin." + key, value); } catch { /* private mode */ } },
};

// ---- dialogs ----

// Asks for some fields; resolves to an object of texts, or null when the person changes their mind.
function ask(title, fields) {
  const dialog = $(".ask"), box = $(".ask-fields"), form = $("form", dialog);
  $(".ask-title").textContent = title;
  box.replaceChildren(...fields.map(f => {
    const input = f.options ? el("select", "", ...f.options.map(o => el("option", "", o))) : el(f.long ? "textarea" : "input", "");
    input.name = f.name;
    input.value = f.value || (f.options ? f.options[0] : "");
    input.required = !f.optional;
    return el("label", "", f.label, input);
  }));
  dialog.showModal();
  return new Promise(done => {
    const close = value => {
      form.onsubmit = dialog.oncancel = $("[value=no]", dialog).onclick = null;
      if (dialog.open) dialog.close();
      done(value);
    };
    form.onsubmit = () => close(Object.fromEntries(new FormData(form)));
    dialog.oncancel = () => close(null);
    $("[value=no]", dialog).onclick = () => close(null);
  });
}

function showPicture(url) {
  const viewer = $(".viewer");
  $("img", viewer).src = url;
  viewer.showModal();
}
$(".viewer").addEventListener("click", ev => ev.currentTarget.close());

function pickFile(accept, multiple) {
  const input = el("input", "");
  input.type = "file";
  input.accept = accept;
  input.multiple = multiple;
  return new Promise(done => {
    input.addEventListener("change", () => done([...input.files]));
    input.addEventListener("cancel", () => done([]));
    input.click();
  });
}

// A sticker is a picture: drawn once, uploaded once, sent by its id.
const stickerIds = new Map();
async function stickerId(face) {
  if (!stickerIds.has(face)) {
    const canvas = Object.assign(el("canvas", ""), { width: 160, height: 160 }), pen = canvas.getContext("2d");
    pen.font = "128px 'Noto Color Emoji', 'Apple Color Emoji', 'Segoe UI Emoji', sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(face, 80, 88);
    const blob = await new Promise(done => canvas.toBlob(done, "image/png"));
    stickerIds.set(face, await upload(blob, "nhan-dan.png"));
  }
  return stickerIds.get(face);
}

// ---- one phone ----

class Phone {
  constructor(info) {
    this.info = info;
    this.messages = new Map(); // message id -> message
    this.follows = false;
    this.chatted = false;
    this.quoted = null;
    this.unread = 0;
    this.seenTimer = 0;
    this.stick = true; // keep the newest message in view
    this.root = $("#phone").content.firstElementChild.cloneNode(true);
    this.tab = button("tab", "", () => show(this.id), el("span", "tab-disc"), el("span", "tab-name"), el("span", "badge"));
    this.log = $(".log", this.root);
    this.input = $(".text", this.root);
    this.describe();
    this.listen();
  }

  get id() { return this.info.id; }
  name() { return this.info.name; }
  oaName() { return oaName; }
  showPicture(url) { showPicture(url); }

  describe() {
    const { name, role, color } = this.info, initial = name.trim().split(/\s+/).pop().slice(0, 1).toUpperCase();
    this.root.dataset.color = this.tab.dataset.color = COLORS.includes(color) ? color : "blue";
    this.root.setAttribute("aria-label", "Điện thoại của " + name);
    $(".owner-disc", this.root).textContent = $(".tab-disc", this.tab).textContent = initial;
    $(".owner-name", this.root).textContent = $(".tab-name", this.tab).textContent = name;
    $(".owner-role", this.root).textContent = role || "";
    $(".oa-name", this.root).textContent = oaName;
    this.log.setAttribute("aria-label", "Tin nhắn của " + name);
    this.input.setAttribute("aria-label", "Tin nhắn của " + name);
  }

  listen() {
    const form = $(".composer", this.root);
    form.addEventListener("submit", ev => { ev.preventDefault(); this.sendText(); });
    this.input.addEventListener("keydown", ev => {
      // Vietnamese input methods end a syllable with Enter too: that Enter belongs to them.
      if (ev.key === "Enter" && !ev.shiftKey && !ev.isComposing && ev.keyCode !== 229) { ev.preventDefault(); this.sendText(); }
      if (ev.key === "Escape") this.quote(null);
    });
    this.input.addEventListener("input", () => { this.fit(); stored.set("draft." + this.id, this.input.value); });
    this.input.addEventListener("focus", () => this.noteSeen());
    this.input.addEventListener("paste", ev => {
      const files = [...(ev.clipboardData || {}).files || []];
      if (files.length) { ev.preventDefault(); this.sendFiles(files); }
    });
    this.input.value = stored.get("draft." + this.id) || "";
    form.querySelectorAll("[data-tool]").forEach(b => b.addEventListener("click", () => this.tool(b.dataset.tool, b)));
    $(".quoting-off", this.root).addEventListener("click", () => this.quote(null));
    $(".oa-follow", this.root).addEventListener("click", () => this.setFollow(!this.follows));
    $(".jump", this.root).addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => { if (this.stick) this.toEnd(); }).observe(this.log); // the composer grew, a panel opened
    this.log.addEventListener("scroll", () => {
      if (this.log.clientHeight === this.height) this.stick = this.atEnd();
      this.height = this.log.clientHeight;
      if (this.atEnd()) { $(".jump", this.root).hidden = true; this.noteSeen(); }
    });
    this.log.addEventListener("click", ev => {
      const line = ev.target.closest("button, a, audio, video") ? null : ev.target.closest(".line");
      const again = line && line.classList.contains("chosen");
      this.log.querySelectorAll(".chosen").forEach(l => l.classList.remove("chosen"));
      if (line && !again) line.classList.add("chosen");
    });
    const device = $(".device", this.root);
    device.addEventListener("dragover", ev => { ev.preventDefault(); device.classList.add("dropping"); });
    device.addEventListener("dragleave", () => device.classList.remove("dropping"));
    device.addEventListener("drop", ev => { ev.preventDefault(); device.classList.remove("dropping"); this.sendFiles([...ev.dataTransfer.files]); });
    $(".stickers", this.root).append(...STICKERS.map(face => button("sticker", "Nhãn dán " + face, () => this.sendSticker(face), face)));
    this.listenMenu();
    requestAnimationFrame(() => this.fit());
  }

  listenMenu() {
    const menu = $(".menu", this.root), open = $(".owner-menu", this.root);
    const toggle = on => { menu.hidden = !on; open.setAttribute("aria-expanded", String(on)); if (on) $("button", menu).focus(); };
    open.addEventListener("click", ev => { ev.stopPropagation(); toggle(menu.hidden); });
    document.addEventListener("click", () => toggle(false));
    menu.addEventListener("keydown", ev => {
      const items = [...menu.children], at = items.indexOf(document.activeElement), step = { ArrowDown: 1, ArrowUp: -1 }[ev.key];
      if (step) { ev.preventDefault(); items[(at + step + items.length) % items.length].focus(); }
      if (ev.key === "Escape") { toggle(false); open.focus(); }
    });
    menu.addEventListener("click", ev => { const wish = ev.target.closest("[data-do]"); if (wish) this.menu(wish.dataset.do); });
  }

  // ---- doing ----

  async sendText(text = this.input.value) {
    if (!text.trim()) return;
    const typed = this.input.value, quoted = this.quoted;
    if (text === typed) { this.input.value = ""; stored.set("draft." + this.id, ""); this.fit(); }
    this.quote(null);
    try {
      const link = /^https?:\/\/\S+$/i.test(text.trim());
      await event(this.id, link ? "link" : "text", { text, ...(link ? { url: text.trim() } : {}), ...(quoted ? { quote_msg_id: quoted.message_id } : {}) });
    } catch {
      if (text === typed && !this.input.value) { this.input.value = typed; this.fit(); }
    }
  }

  async sendFiles(files, kind) {
    for (const file of files) {
      const of = kind || (file.type === "image/gif" ? "gif" : file.type.startsWith("image/") ? "image" : file.type.startsWith("audio/") ? "audio"
        : file.type.startsWith("video/") ? "video" : "file");
      try {
        await event(this.id, of, { media: await upload(file, file.name || "tep") });
      } catch (e) {
        toast("Chưa gửi được " + (file.name || "tệp"));
      }
    }
  }

  async sendSticker(face) {
    this.toggleStickers(false);
    await event(this.id, "sticker", { media: await stickerId(face) });
  }

  toggleStickers(on) {
    $(".stickers", this.root).hidden = !on;
    $("[data-tool=sticker]", this.root).setAttribute("aria-expanded", String(on));
  }

  async tool(name, b) {
    if (name === "sticker") this.toggleStickers($(".stickers", this.root).hidden);
    if (name === "picture") this.sendFiles(await pickFile("image/*", true));
    if (name === "file") this.sendFiles(await pickFile("", true), "file");
    if (name === "voice") this.record(b);
  }

  // Real phones send AMR; a browser records what it can, which is enough to see that voice arrives.
  async record(b) {
    if (this.recorder) { this.recorder.stop(); return; }
    if (!navigator.mediaDevices || !window.MediaRecorder) { this.sendFiles(await pickFile("audio/*", false), "audio"); return; }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true }), parts = [];
      this.recorder = new MediaRecorder(stream);
      this.recorder.ondataavailable = ev => parts.push(ev.data);
      this.recorder.onstop = () => {
        stream.getTracks().forEach(t => t.stop());
        const type = this.recorder.mimeType.split(";")[0], ending = type === "audio/mp4" ? "m4a" : type.split("/")[1];
        this.recorder = null;
        b.classList.remove("recording");
        b.replaceChildren(icon("mic"));
        this.sendFiles([new File(parts, "tin-thoai." + ending, { type })], "audio");
      };
      this.recorder.start();
      b.classList.add("recording");
      b.replaceChildren(icon("stop"));
    } catch {
      this.sendFiles(await pickFile("audio/*", false), "audio");
    }
  }

  async tap(m, b, row) {
    const payload = b.payload;
    if (b.type === "oa.query.show" || b.type === "oa.query.hide") {
      row.classList.add("tapped");
      setTimeout(() => row.classList.remove("tapped"), 600);
      await event(this.id, "tap", { payload, hidden: b.type === "oa.query.hide" });
    } else if (b.type === "oa.open.url") {
      const url = b.url || (payload && payload.url);
      if (/^https?:\/\//i.test(url || "")) window.open(url, "_blank", "noopener,noreferrer");
    } else {
      toast((b.type === "oa.open.sms" ? "Điện thoại mở tin SMS tới " : "Điện thoại gọi ") + ((payload && payload.phone_code) || ""));
    }
  }

  async shareInfo() {
    const got = await ask("Chia sẻ thông tin với OA", [
      { name: "name", label: "Họ và tên", value: this.info.name }, { name: "phone", label: "Số điện thoại", value: "84900000000" },
      { name: "user_dob", label: "Ngày sinh", value: "30/10/1990" }, { name: "gender", label: "Giới tính", options: ["Nữ", "Nam"] },
      { name: "user_city", label: "Tỉnh, thành phố", value: "Đồng Nai" }, { name: "user_ward", label: "Phường, xã", value: "Phường Ví Dụ" },
      { name: "user_address", label: "Địa chỉ", value: "1 Đường Ví Dụ" }]);
    if (!got) return;
    const { user_city, user_ward, user_address, ...info } = got;
    await event(this.id, "submit_info", { info: { ...info, full_address: { user_city, user_ward, user_address } } });
    toast("Đã chia sẻ thông tin");
  }

  react(m, code) { event(this.id, "reaction", { on: m.message_id, icon: code }); }

  quote(m) {
    this.quoted = m;
    $(".quoting", this.root).hidden = !m;
    $(".quoting-text", this.root).textContent = m ? "Trả lời: " + summaryOf(m) : "";
    if (m) this.input.focus();
  }

  setFollow(on) { event(this.id, on ? "follow" : "unfollow"); }

  async menu(wish) {
    if (wish === "follow") this.setFollow(!this.follows);
    if (wish === "location") event(this.id, "location", { latitude: "10.9574128", longitude: "106.8426871" });
    if (wish === "card") event(this.id, "business_card", { phone: "84900000000" });
    if (wish === "withdraw") { await event(this.id, "withdraw"); toast("Đã gửi yêu cầu xóa dữ liệu của " + this.info.name); }
    if (wish === "staff") {
      const got = await ask("Nhân viên trả lời " + this.info.name, [{ name: "text", label: "Tin nhắn", long: true }]);
      if (got) event(this.id, "admin_text", { text: got.text });
    }
    if (wish === "rename") {
      const got = await ask("Điện thoại của ai?", [{ name: "name", label: "Họ và tên", value: this.info.name },
        { name: "role", label: "Vai", value: this.info.role, optional: true }]);
      if (got) { Object.assign(this.info, got); this.describe(); savePhones(); }
    }
    if (wish === "remove") { removePhone(this.id); }
  }

  // ---- showing ----

  fit() {
    this.input.style.setProperty("height", "auto");
    this.input.style.setProperty("height", Math.min(this.input.scrollHeight, TEXT_INPUT_MAX_PX) + "px");
    $(".composer", this.root).classList.toggle("typing", this.input.value.trim() !== "");
  }

  atEnd() { return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 80; }
  toEnd() { this.log.scrollTop = this.log.scrollHeight; }
  settled() { if (this.stick) this.toEnd(); }

  setPerson(p) {
    this.follows = p.follows;
    this.chatted = p.chatted;
    const b = $(".oa-follow", this.root), item = $("[data-do=follow]", this.root);
    $(".oa-sub", this.root).textContent = p.follows ? "Official Account · Đang quan tâm" : "Official Account";
    b.setAttribute("aria-pressed", String(p.follows));
    item.textContent = p.follows ? "Bỏ quan tâm OA" : "Quan tâm OA";
    this.welcome();
  }

  // A person who has never written sees the OA's card and how to begin.
  welcome() {
    const shown = $(".welcome", this.log), wanted = this.messages.size === 0;
    if (shown && !wanted) shown.remove();
    if (!shown && wanted) {
      const card = $("#welcome").content.firstElementChild.cloneNode(true);
      card.addEventListener("click", ev => {
        const wish = ev.target.closest("[data-welcome]");
        if (!wish) return;
        if (wish.dataset.welcome === "follow") this.setFollow(!this.follows);
        if (wish.dataset.welcome === "hello") this.sendText("xin chào");
        if (wish.dataset.welcome === "chat") { if (!this.chatted) event(this.id, "chatnow"); this.input.focus(); }
      });
      this.log.replaceChildren(card);
    }
    const card = $(".welcome", this.log);
    if (!card) return;
    $(".welcome-name", card).textContent = oaName;
    $("[data-welcome=follow]", card).textContent = this.follows ? "Đang quan tâm" : "Quan tâm";
  }

  visible() { return [...this.messages.values()].filter(m => !m.hidden).sort((a, b) => a.seq - b.seq).slice(-SHOWN_MAX); }

  redraw() {
    const list = this.visible();
    this.welcome();
    if (this.messages.size) this.log.replaceChildren();
    let before = null;
    for (const m of list) { this.append(m, before); before = m; }
    this.lastShown = before;
    this.group();
    this.toEnd();
  }

  append(m, before) {
    if (!before || dayOf(before.at) !== dayOf(m.at)) this.log.append(el("div", "day", el("span", "", dayOf(m.at) + " " + timeOf(m.at))));
    this.log.append(drawMessage(m, this));
  }

  // Messages of one side within five minutes stand together; only the last shows its time, only the first the avatar.
  group() {
    const lines = [...this.log.querySelectorAll(".line")].slice(-40);
    let lastMine = null;
    lines.forEach((line, i) => {
      const m = this.messages.get(line.dataset.id), prev = lines[i - 1] && this.messages.get(lines[i - 1].dataset.id);
      const joined = Boolean(prev && prev.from === m.from && m.at - prev.at < 300000 && line.previousElementSibling === lines[i - 1]);
      line.classList.toggle("joined", joined);
      if (lines[i - 1]) lines[i - 1].classList.toggle("followed", joined);
      line.classList.remove("followed", "last-mine");
      if (m.from === "user") lastMine = line;
    });
    if (lastMine) lastMine.classList.add("last-mine");
  }

  take(m, quietly) {
    const known = this.messages.has(m.message_id);
    this.messages.set(m.message_id, m);
    lastSeq = Math.max(lastSeq, m.seq);
    if (quietly || m.hidden) { if (!quietly) this.welcome(); return; }
    this.stick = this.atEnd() || m.from === "user" && !known;
    const old = known && this.log.querySelector(`.line[data-id="${CSS.escape(m.message_id)}"]`);
    if (old) {
      old.replaceWith(drawMessage(m, this));
    } else if (!this.lastShown || m.seq > this.lastShown.seq) {
      this.welcome();
      this.append(m, this.lastShown);
      this.log.lastElementChild.classList.add("fresh");
      this.lastShown = m;
      if (m.from !== "user") this.arrived(m);
    } else {
      this.redraw();
    }
    this.group();
    if (this.stick) this.toEnd();
    else if (!known) $(".jump", this.root).hidden = false;
  }

  arrived(m) {
    if (!m.received) event(this.id, "received", { on: m.message_id }).catch(() => {});
    if (this.hiddenNow()) this.unread++;
    this.showUnread();
    this.noteSeen();
  }

  hiddenNow() { return document.hidden || this.root.offsetParent === null; }

  showUnread() {
    const badge = $(".badge", this.tab);
    badge.textContent = this.unread ? String(this.unread) : "";
    badge.setAttribute("aria-label", this.unread ? this.unread + " tin chưa đọc" : "");
  }

  // Seen means: on a visible phone, scrolled to the end.  Several at once become one receipt, as on a real phone.
  noteSeen() {
    if (this.hiddenNow() || this.seenTimer) return;
    this.unread = 0;
    this.showUnread();
    this.seenTimer = setTimeout(() => {
      this.seenTimer = 0;
      if (this.hiddenNow() || !this.atEnd()) return;
      const ids = [...this.messages.values()].filter(m => m.from !== "user" && !m.seen).map(m => m.message_id);
      ids.forEach(id => { this.messages.get(id).seen = true; });
      if (ids.length) event(this.id, "seen", { msg_ids: ids }).catch(() => {});
    }, 400);
  }

  goTo(id) {
    const line = this.log.querySelector(`.line[data-id="${CSS.escape(id)}"]`);
    if (!line) return;
    line.scrollIntoView({ block: "center", behavior: "smooth" });
    line.classList.add("flash");
    setTimeout(() => line.classList.remove("flash"), 1200);
  }

  async load() {
    const got = await call("history?user=" + encodeURIComponent(this.id));
    this.messages.clear();
    got.messages.forEach(m => this.take(m, true));
    this.lastShown = null;
    this.setPerson(got.person || { follows: false, chatted: false });
    this.redraw();
    this.noteSeen();
  }
}

// ---- all phones ----

function show(id) {
  stored.set("shown", id);
  for (const p of phones.values()) {
    const on = p.id === id;
    p.root.classList.toggle("current", on);
    p.tab.setAttribute("aria-pressed", String(on));
    if (on) { p.fit(); p.toEnd(); p.noteSeen(); }
  }
}

function place() {
  $(".phones").replaceChildren(...[...phones.values()].map(p => p.root));
  $(".tabs").replaceChildren(...[...phones.values()].map(p => p.tab));
  const shown = stored.get("shown");
  if (phones.size) show(phones.has(shown) ? shown : phones.keys().next().value);
}

const savePhones = () => call("phones", [...phones.values()].map(p => p.info), "PUT").catch(e => toast(e.message));

async function loadPhones() {
  const list = await call("phones");
  for (const id of [...phones.keys()]) if (!list.some(i => i.id === id)) phones.delete(id);
  for (const info of list) {
    const p = phones.get(info.id);
    if (p) { p.info = info; p.describe(); } else phones.set(info.id, new Phone(info));
  }
  place();
  await Promise.all([...phones.values()].map(p => p.load()));
}

function removePhone(id) {
  phones.delete(id);
  place();
  savePhones();
}

// Ids look like Zalo's: 18 digits, a string.
function newId() {
  const digits = crypto.getRandomValues(new Uint8Array(18));
  return [...digits].map((d, i) => (i === 0 ? 1 + (d % 9) : d % 10)).join("");
}

$(".bar-add").addEventListener("click", async () => {
  const got = await ask("Thêm điện thoại của ai?", [{ name: "name", label: "Họ và tên", value: "" },
    { name: "role", label: "Vai", value: "Người lao động", optional: true }]);
  if (!got) return;
  const p = new Phone({ id: newId(), name: got.name.trim() || "Người mới", role: got.role.trim(), color: COLORS[phones.size % COLORS.length] });
  phones.set(p.id, p);
  await savePhones();
  stored.set("shown", p.id);
  place();
  await p.load();
  p.root.scrollIntoView({ inline: "end", behavior: "smooth" });
  p.input.focus();
});

function listenToServer() {
  const feed = new EventSource("/_admin/feed");
  let broken = false;
  feed.addEventListener("open", () => { $(".bar-state").hidden = true; if (broken) { broken = false; start(); } });
  feed.addEventListener("error", () => { broken = true; $(".bar-state").hidden = false; });
  feed.addEventListener("message", ev => {
    const m = JSON.parse(ev.data), p = phones.get(m.user);
    if (p) p.take(m);
  });
  feed.addEventListener("note", ev => {
    const note = JSON.parse(ev.data), p = phones.get(note.user);
    if (note.type === "person" && p) p.setPerson(note);
    if (note.type === "phones") syncPhones();
  });
}

// Another window has added or removed a phone.
async function syncPhones() {
  const list = await call("phones");
  if (list.length !== phones.size || list.some(i => !phones.has(i.id))) loadPhones();
}

function tick() {
  const now = timeOf(Date.now());
  document.querySelectorAll(".clock").forEach(c => { c.textContent = now; });
}

async function start() {
  try {
    oaName = (await call("info")).oa_name;
    $(".bar-oa").textContent = oaName;
    document.title = oaName + " – chat thử";
    await loadPhones();
    tick();
  } catch (e) {
    toast("Chưa nối được với máy chủ: " + e.message);
  }
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) phones.forEach(p => p.noteSeen()); });
setInterval(tick, 5000);
start().then(listenToServer);
