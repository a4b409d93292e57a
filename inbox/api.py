"""Every controller of the public API; each says which scope its routes need (`opt={"scope": ...}`)."""

from __future__ import annotations

from litestar import Controller

from inbox.accounts.api import ChannelController, ChannelTypeController
from inbox.attachments.api import AttachmentController
from inbox.audit.api import AuditController
from inbox.contacts.api import ContactController, IdentityController
from inbox.contacts.attributes.api import AttributeController
from inbox.contacts.companies.api import CompanyController, SuggestionController
from inbox.contacts.duplicates.api import DuplicateController
from inbox.contacts.segments.api import SegmentController
from inbox.conversations.api import ConversationController, FeedController, MessageController, StateController
from inbox.conversations.canned.api import CannedReplyController
from inbox.conversations.contact_merging.api import ContactMergeController
from inbox.conversations.drafts.api import DraftController
from inbox.conversations.moves.api import MoveController
from inbox.conversations.participants.api import ParticipantController
from inbox.conversations.redaction.api import RedactionController
from inbox.conversations.scheduled.api import ScheduledMessageController
from inbox.conversations.search.api import SearchController
from inbox.conversations.sending.api import PreviewController, SendingController
from inbox.conversations.transcripts.api import TranscriptController
from inbox.conversations.transcripts.sending import TranscriptSendingController
from inbox.conversations.views.api import CountController, ViewController
from inbox.intake.api import IntakeController
from inbox.intake.polling.api import ChannelHealthController
from inbox.outbox.api import JobController
from inbox.privacy.erasure.api import ContactErasureController, ErasureController
from inbox.privacy.holds.api import HoldController
from inbox.privacy.retention.api import RetentionController
from inbox.repair.api import (
    IntakeRepairController,
    JobRepairController,
    OutboxController,
    ReconcileController,
    RepairController,
    UnsettledController,
)
from inbox.routing.api import RoutingController
from inbox.routing.bulk.api import BulkController
from inbox.staff.api import AgentController, ApiKeyController
from inbox.staff.availability.api import AvailabilityController
from inbox.staff.sessions.api import SessionListController
from inbox.staff.subjects.api import AgentSigninController
from inbox.transfers.exports.api import ExportController, PersonExportController
from inbox.transfers.imports.api import ImportController
from inbox.visitors.api import ContactVisitorController
from inbox.visitors.ratings.api import CsatController, CsatRequestController
from inbox.webhooks.api import EventTypeController, WebhookController, WebhookDeliveryController

CONTROLLERS: list[type[Controller]] = [
    ConversationController,
    CountController,
    SearchController,
    ViewController,
    StateController,
    MoveController,
    ParticipantController,
    RedactionController,
    TranscriptController,
    TranscriptSendingController,
    RoutingController,
    BulkController,
    MessageController,
    ContactMergeController,
    ContactController,
    IdentityController,
    CompanyController,
    SuggestionController,
    DuplicateController,
    SegmentController,
    AttributeController,
    ChannelController,
    ChannelTypeController,
    ChannelHealthController,
    AttachmentController,
    FeedController,
    AgentController,
    AgentSigninController,
    AvailabilityController,
    ApiKeyController,
    SessionListController,
    JobController,
    SendingController,
    PreviewController,
    DraftController,
    ScheduledMessageController,
    CannedReplyController,
    JobRepairController,
    OutboxController,
    IntakeController,
    IntakeRepairController,
    ReconcileController,
    RepairController,
    UnsettledController,
    AuditController,
    WebhookController,
    WebhookDeliveryController,
    EventTypeController,
    ErasureController,
    ContactErasureController,
    HoldController,
    ExportController,
    PersonExportController,
    ImportController,
    RetentionController,
    ContactVisitorController,
    CsatController,
    CsatRequestController,
]
