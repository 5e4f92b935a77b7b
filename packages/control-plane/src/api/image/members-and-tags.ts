import type { FastifyInstance } from "fastify";
import { addTag, removeTag } from "../../images/change-image.ts";
import { addMember, answerMembership, findMember, type ImageMember, listMembers, removeMember } from "../../images/members.ts";
import { callerOf } from "../http/session.ts";
import { type ByImage, readJson } from "./images.ts";
import type { ImageDeps } from "./index.ts";
import { imageTime } from "./represent.ts";

type ByMember = { Params: { id: string; member: string } };
type ByTag = { Params: { id: string; tag: string } };

function representMember(member: ImageMember): Record<string, unknown> {
  return {
    member_id: member.project_id, image_id: member.image_id, status: member.status,
    created_at: imageTime(member.created_at), updated_at: imageTime(member.updated_at), schema: "/v2/schemas/member",
  };
}

/** Who a shared image is offered to, and the words it is found by. */
export function registerMemberAndTagRoutes(scope: FastifyInstance, { store }: ImageDeps): void {
  scope.post<ByImage>("/v2/images/:id/members", async (request) => {
    const body = (await readJson(request)) as { member?: unknown } | null | undefined;
    return representMember(await addMember(store, callerOf(request), request.params.id, body?.member));
  });
  scope.get<ByImage>("/v2/images/:id/members", async (request) => ({
    members: (await listMembers(store, callerOf(request), request.params.id)).map(representMember), schema: "/v2/schemas/members",
  }));
  scope.get<ByMember>("/v2/images/:id/members/:member", async (request) => representMember(await findMember(store, callerOf(request), request.params.id, request.params.member)));
  scope.put<ByMember>("/v2/images/:id/members/:member", async (request) => {
    const body = (await readJson(request)) as { status?: unknown } | null | undefined;
    return representMember(await answerMembership(store, callerOf(request), request.params.id, request.params.member, body?.status));
  });
  scope.delete<ByMember>("/v2/images/:id/members/:member", async (request, reply) => {
    await removeMember(store, callerOf(request), request.params.id, request.params.member);
    return reply.code(204).send();
  });

  scope.put<ByTag>("/v2/images/:id/tags/:tag", async (request, reply) => {
    await addTag(store, callerOf(request), request.params.id, request.params.tag);
    return reply.code(204).send();
  });
  scope.delete<ByTag>("/v2/images/:id/tags/:tag", async (request, reply) => {
    await removeTag(store, callerOf(request), request.params.id, request.params.tag);
    return reply.code(204).send();
  });
}
