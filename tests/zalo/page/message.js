// How one message looks.  Everything said by anybody goes through textContent, never through markup.

const SVG = "http://www.w3.org/2000/svg";
const REACTIONS = { "/-heart": "❤️", "/-strong": "👍", ":>": "😆", ":o": "😮", ":-((": "😢", ":-h": "😡", "--b": "👎" };
const ICON_OF_BUTTON = { "oa.open.url": "link", "oa.open.phone": "phone", "oa.open.sms": "phone" };

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg"), use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", "#i-" + name);
  svg.append(use);
  return svg;
}

export function el(tag, className, ...children) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  e.append(...children.filter(c => c !== null && c !== undefined));
  return e;
}

export function button(className, label, act, ...children) {
  const b = el("button", className, ...children);
  b.type = "button";
  if (label) b.setAttribute("aria-label", label);
  b.addEventListener("click", act);
  return b;
}

export function timeOf(at) {
  return new Date(at).toLocaleTimeString("vi-VN", { hour: "2-digit", minute: "2-digit" });
}

export function dayOf(at) {
  const day = new Date(at), today = new Date();
  const days = Math.round((new Date(today.toDateString()) - new Date(day.toDateString())) / 86400000);
  if (days === 0) return "Hôm nay";
  if (days === 1) return "Hôm qua";
  return day.toLocaleDateString("vi-VN", { day: "2-digit", month: "2-digit", year: "numeric" });
}

const safeUrl = url => (typeof url === "string" && (/^https?:\/\//i.test(url) || /^\/cdn\//.test(url)) ? url : null);

function anchor(url, className, ...children) {
  const a = el("a", className, ...children);
  a.href = url;
  a.target = "_blank";
  a.rel = "noopener noreferrer";
  return a;
}

// Plain text with addresses and phone numbers made tappable, as the app does.
function richText(text) {
  const out = document.createDocumentFragment();
  let at = 0;
  for (const m of text.matchAll(/https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}”]|(?<!\d)(?:0|84|\+84)\d{8,10}(?!\d)/gi)) {
    out.append(text.slice(at, m.index));
    out.append(/^http/i.test(m[0]) ? anchor(m[0], "in-text", m[0]) : Object.assign(el("a", "in-text", m[0]), { href: "tel:" + m[0] }));
    at = m.index + m[0].length;
  }
  out.append(text.slice(at));
  return out;
}

const SUMMARY = { image: "[Hình ảnh]", gif: "[Ảnh động]", audio: "[Tin thoại]", video: "[Video]", file: "[Tệp]", sticker: "[Nhãn dán]",
  location: "[Vị trí]", business_card: "[Danh thiếp]", list: "[Danh mục]", request_user_info: "[Xin thông tin]" };

export function summaryOf(m) {
  return m.text || SUMMARY[m.kind] || "[Tin nhắn]";
}

function mediaName(m) {
  return (m.media && m.media.name) || "";
}

function picture(m, view) {
  const url = safeUrl(m.media && m.media.url);
  if (!url) return el("p", "text", summaryOf(m));
  const img = el("img", "");
  img.src = url;
  img.alt = mediaName(m) || "Ảnh";
  img.addEventListener("load", () => view.settled());
  return button("picture " + m.kind, "Xem ảnh " + mediaName(m), () => view.showPicture(url), img);
}

function fileRow(m) {
  const url = safeUrl(m.media && m.media.url), name = mediaName(m) || "Tệp", payload = (m.attachment && m.attachment.payload) || {};
  const kind = (name.includes(".") ? name.split(".").pop() : "tệp").slice(0, 4).toUpperCase(), size = Number(payload.size);
  const inner = [el("span", "file-kind", kind), el("span", "file-text", el("b", "", name), el("span", "", size ? sizeText(size) : "Nhấn để tải"))];
  return url ? anchor(url, "file", ...inner) : el("div", "file", ...inner);
}

function sizeText(n) {
  return n < 1024 ? n + " B" : n < 1048576 ? Math.round(n / 1024) + " KB" : (n / 1048576).toFixed(1).replace(".", ",") + " MB";
}

function voice(m) {
  const audio = el("audio", "");
  audio.controls = true;
  audio.preload = "metadata";
  audio.src = safeUrl(m.media && m.media.url) || "";
  return el("div", "voice", icon("mic"), audio);
}

function film(m) {
  const video = el("video", "film");
  video.controls = true;
  video.preload = "metadata";
  video.src = safeUrl(m.media && m.media.url) || "";
  return video;
}

function place(m) {
  const at = (((m.attachment || {}).payload || {}).coordinates) || {};
  return el("div", "place", el("div", "place-map", icon("pin")), el("p", "text", "Vị trí của tôi"),
    el("span", "small", (at.latitude || "") + ", " + (at.longitude || "")));
}

function card(m) {
  let phone = "";
  try { phone = JSON.parse(m.attachment.payload.description).phone; } catch { /* a card without a readable description */ }
  return el("div", "file", el("span", "file-kind", icon("card")), el("span", "file-text", el("b", "", "Danh thiếp"), el("span", "", String(phone))));
}

function webLink(m) {
  const payload = (m.attachment && m.attachment.payload) || {}, url = safeUrl(payload.url);
  return url ? el("p", "text", anchor(url, "in-text", m.text || url)) : el("p", "text", m.text || "");
}

function infoRequest(m, view) {
  const e = (m.elements || [])[0] || {}, image = safeUrl(e.image_url), img = image ? Object.assign(el("img", "card-image"), { src: image, alt: "" }) : null;
  return el("div", "card", img, el("b", "card-title", e.title || ""), el("span", "card-sub", e.subtitle || ""),
    button("row", "", () => view.shareInfo(m), el("span", "", "Chia sẻ thông tin")));
}

function listCard(m, view) {
  const box = el("div", "card list");
  (m.elements || []).forEach((e, i) => {
    const image = safeUrl(e.image_url), img = image ? Object.assign(el("img", ""), { src: image, alt: "" }) : el("span", "no-image", icon("doc"));
    const inner = [el("span", "list-text", el("b", "", e.title || ""), el("span", "", e.subtitle || "")), img];
    box.append(e.default_action ? button(i ? "list-row" : "list-row first", "", ev => view.tap(m, Object.assign({ title: e.title }, e.default_action), ev.currentTarget), ...inner)
      : el("div", i ? "list-row" : "list-row first", ...inner));
  });
  return box;
}

const BODY = { image: picture, gif: picture, sticker: picture, file: fileRow, audio: voice, video: film, location: place,
  business_card: card, link: webLink, list: listCard, request_user_info: infoRequest };

// Buttons stay tappable for ever; a tap on oa.query.* goes to the bot, the others open something on the phone.
function buttonRows(m, view) {
  const rows = el("div", "rows");
  for (const b of m.buttons || []) {
    const name = ICON_OF_BUTTON[b.type];
    rows.append(button("row", "", ev => view.tap(m, b, ev.currentTarget), name ? icon(name) : null, el("span", "", b.title || "")));
  }
  return rows;
}

function quoteBlock(m, view) {
  const who = m.quote.from === "user" ? view.name() : view.oaName();
  return button("quote", "Đến tin được trích", () => view.goTo(m.quote.id), el("b", "", who), el("span", "", summaryOf(m.quote)));
}

function actions(m, view) {
  const bar = el("div", "acts", button("act", "Trả lời tin này", () => view.quote(m), icon("reply")));
  if (m.from !== "user") {
    const picker = el("div", "picker");
    picker.hidden = true;
    const open = button("act", "Thả cảm xúc", () => { picker.hidden = !picker.hidden; open.setAttribute("aria-expanded", String(!picker.hidden)); }, icon("heart"));
    open.setAttribute("aria-expanded", "false");
    for (const [code, face] of Object.entries(REACTIONS).slice(0, 6)) {
      picker.append(button("face", "Cảm xúc " + face, () => { picker.hidden = true; view.react(m, m.reaction === code ? "/-remove" : code); }, face));
    }
    bar.append(open, picker);
  }
  return bar;
}

const TICKS = { pending: "Đang gửi", delivered: "Đã nhận", failed: "Chưa đến, Zalo sẽ gửi lại" };

export function drawMessage(m, view) {
  const mine = m.from === "user";
  const bubble = el("div", "bubble kind-" + m.kind);
  if (m.quote) bubble.append(quoteBlock(m, view));
  if (m.from === "staff") bubble.append(el("span", "staff", "Nhân viên"));
  const draw = BODY[m.kind];
  if (draw) bubble.append(draw(m, view));
  if (m.text && m.kind !== "link") bubble.append(el("p", "text", richText(m.text)));
  const time = el("time", "at", timeOf(m.at));
  time.dateTime = new Date(m.at).toISOString();
  bubble.append(time);
  if (m.buttons && m.buttons.length) bubble.append(buttonRows(m, view));
  const faces = [m.reaction, m.oa_reaction].filter(Boolean).map(code => REACTIONS[code] || "♡");
  if (faces.length) bubble.append(el("span", "reactions", faces.join(" ")));
  const line = el("div", "line " + (mine ? "mine" : "theirs"));
  line.dataset.id = m.message_id;
  if (!mine) line.append(Object.assign(el("img", "from"), { src: "icon.svg", alt: "" }));
  line.append(el("div", "stack", el("div", "with-acts", bubble, actions(m, view)), mine ? el("span", "tick " + m.tick, TICKS[m.tick] || "") : null));
  return line;
}
