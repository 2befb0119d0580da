/*
 * A WebSocket server that echoes, and clients that are told what to do by HTTP
 * requests on the same port, each answered when it is done:
 *
 *	/pass?url=U&bytes=N	send N bytes while as many come back, compare
 *	/open?url=U&n=N		open N sessions and hold them
 *	/say			have all of them say something and hear it again
 *	/close			close them in order
 *
 * Answers begin with "ok " or "bad ".  A session that ends unasked is "bad"
 * from then on.
 */
'use strict';
const crypto = require('crypto');
const http = require('http');
const { WebSocket, WebSocketServer } = require('ws');

const PIECE = 1 << 20;
const BEHIND = 8 << 20;	/* most that is under way */
const options = { perMessageDeflate: false, rejectUnauthorized: false };
let held = [];
let lost = 0;

const server = http.createServer((q, r) => {
	const url = new URL(q.url, 'http://control');
	const act = { '/pass': pass, '/open': open, '/say': say,
		'/close': close }[url.pathname];

	Promise.resolve(act ? act(url.searchParams) : 'bad path').catch(
	    (e) => 'bad ' + e.message).then((text) => r.end(text + '\n'));
});

new WebSocketServer({ server, perMessageDeflate: false }).on('connection',
    (s) => {
	s.on('message', (m, binary) => {
		s.send(m, { binary });
		if (s.bufferedAmount > BEHIND)
			s._socket.pause();
	});
	s._socket.on('drain', () => s._socket.resume());
	s.on('error', () => {});
});
server.listen(Number(process.argv[2]), '127.0.0.1');

function connect(url) {
	return new Promise((done, failed) => {
		const s = new WebSocket(url, options);

		s.on('open', () => done(s));
		s.on('error', failed);
	});
}

function ended(s) {
	return new Promise((done) => s.on('close', done));
}

/* Random bytes once, and which of them a piece begins with. */
const pool = crypto.randomBytes(2 * PIECE);

function piece(at, bytes) {
	const from = (at / PIECE * 7919) % PIECE;

	return pool.subarray(from, from + Math.min(PIECE, bytes - at));
}

async function pass(ask) {
	const bytes = Number(ask.get('bytes')), began = Date.now();
	const s = await connect(ask.get('url')), over = ended(s);
	let sent = 0, heard = 0, wrong = 0;

	const more = () => {
		while (sent < bytes && sent - heard < BEHIND) {
			const p = piece(sent, bytes);

			s.send(p);
			sent += p.length;
		}
	};
	s.on('message', (m) => {
		if (!m.equals(piece(heard, bytes)))
			wrong++;
		heard += m.length;
		if (heard === bytes)
			s.close(1000);
		more();
	});
	more();
	const code = await over;
	if (heard !== bytes || wrong > 0 || code !== 1000)
		return `bad ${heard} of ${bytes} bytes, ${wrong} wrong, ` +
		    `close ${code}`;
	return `ok ${bytes} bytes each way in ${Date.now() - began} ms`;
}

async function open(ask) {
	for (let n = Number(ask.get('n')); n > 0; n--) {
		const s = await connect(ask.get('url'));

		s.on('close', () => { lost += s.wanted ? 0 : 1; });
		held.push(s);
	}
	return sessions();
}

function sessions() {
	return lost === 0 ? `ok ${held.length} sessions`
	    : `bad ${lost} of ${held.length} sessions ended`;
}

async function say() {
	await Promise.all(held.map((s, i) => new Promise((done) => {
		s.once('message', (m) => {
			lost += m.toString() === `session ${i}` ? 0 : 1;
			done();
		});
		s.send(`session ${i}`);
	})));
	return sessions();
}

async function close() {
	const all = held.map(ended), text = sessions();

	held.forEach((s) => { s.wanted = true; s.close(1000); });
	for (const code of await Promise.all(all))
		if (code !== 1000)
			return `bad close ${code}`;
	held = [];
	return text;
}
