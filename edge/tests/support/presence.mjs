// What a gateway does with presence: the change it takes last holds, and everybody is told.

import { userState } from "./gateway.mjs";

export class PresenceGateway {
  constructor(gateway, user) {
    this.gateway = gateway;
    this.user = user;
    this.value = { availability: "available", since: 0, on_call: false };
    /** The ids of the changes, in the order they were taken. */
    this.applied = [];
    gateway.socket.on("message", (data) => {
      const frame = JSON.parse(data.toString());
      if (frame.type !== "command" || frame.user !== user || frame.command.body.type !== "set_presence") return;
      const { id, body } = frame.command;
      // A command that comes again has its answer, and no effect.
      if (!this.applied.includes(id)) {
        this.applied.push(id);
        this.change(body);
      }
      gateway.reply(user, id);
    });
  }

  change({ availability, status }) {
    this.value = { availability, ...(status ? { status } : {}), since: Date.now(), on_call: false };
    this.gateway.event(this.user, { type: "presence_changed", presence: this.value });
  }

  tellAll() {
    const state = userState(this.user);
    this.gateway.event(this.user, { type: "state", state: { ...state, presence: this.value } });
  }
}
