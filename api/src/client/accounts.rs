//! Accounts, API keys, teams and the audit log.

use reqwest::Method;

use super::{Client, Result, whole_page};
use crate::audit::{AuditCheck, AuditEntry, AuditFilter};
use crate::auth::{
    ApiKey, ChangePassword, CreateApiKey, CreateUser, CreatedApiKey, LoginMethods, LoginRequest,
    LoginResponse, ResetPassword, SignUp, UpdateProfile, UpdateUser, User,
};
use crate::ids::{ApiKeyId, TeamId, UserId};
use crate::page::Page;
use crate::team::{CreateTeam, Team, TeamMember, UpdateTeam};

impl Client {
    pub async fn login(&self, request: &LoginRequest) -> Result<LoginResponse> {
        self.post("/auth/login", request).await
    }

    pub async fn me(&self) -> Result<User> {
        self.get("/auth/me").await
    }

    pub async fn update_me(&self, request: &UpdateProfile) -> Result<User> {
        self.patch("/auth/me", request).await
    }

    /// Ends all logins of the caller; the answer is a new one.
    pub async fn change_password(&self, request: &ChangePassword) -> Result<LoginResponse> {
        self.post("/auth/password", request).await
    }

    pub async fn sign_up(&self, request: &SignUp) -> Result<User> {
        self.post("/auth/sign-up", request).await
    }

    pub async fn login_methods(&self) -> Result<LoginMethods> {
        self.get("/auth/methods").await
    }

    pub async fn users(&self) -> Result<Page<User>> {
        self.get("/users?limit=500").await
    }

    /// A page of users, 500 at most, from `cursor` on.
    pub async fn users_page(&self, cursor: Option<&str>) -> Result<Page<User>> {
        self.get_with("/users", &whole_page(cursor)).await
    }

    pub async fn create_user(&self, request: &CreateUser) -> Result<User> {
        self.post("/users", request).await
    }

    pub async fn update_user(&self, id: UserId, request: &UpdateUser) -> Result<User> {
        self.patch(&format!("/users/{id}"), request).await
    }

    pub async fn user(&self, id: UserId) -> Result<User> {
        self.get(&format!("/users/{id}")).await
    }

    pub async fn delete_user(&self, id: UserId) -> Result<()> {
        self.delete(&format!("/users/{id}")).await
    }

    /// Gives a user a made-up password, which must be changed at the next login.
    pub async fn reset_password(&self, id: UserId) -> Result<ResetPassword> {
        self.act(&format!("/users/{id}/reset-password")).await
    }

    pub async fn api_keys(&self) -> Result<Page<ApiKey>> {
        self.get("/api-keys").await
    }

    pub async fn create_api_key(&self, request: &CreateApiKey) -> Result<CreatedApiKey> {
        self.post("/api-keys", request).await
    }

    pub async fn revoke_api_key(&self, id: ApiKeyId) -> Result<()> {
        self.delete(&format!("/api-keys/{id}")).await
    }

    pub async fn teams(&self) -> Result<Page<Team>> {
        self.get("/teams?limit=500").await
    }

    /// A page of teams, 500 at most, from `cursor` on.
    pub async fn teams_page(&self, cursor: Option<&str>) -> Result<Page<Team>> {
        self.get_with("/teams", &whole_page(cursor)).await
    }

    pub async fn team(&self, id: TeamId) -> Result<Team> {
        self.get(&format!("/teams/{id}")).await
    }

    pub async fn create_team(&self, request: &CreateTeam) -> Result<Team> {
        self.post("/teams", request).await
    }

    pub async fn update_team(&self, id: TeamId, request: &UpdateTeam) -> Result<Team> {
        self.patch(&format!("/teams/{id}"), request).await
    }

    pub async fn delete_team(&self, id: TeamId) -> Result<()> {
        self.delete(&format!("/teams/{id}")).await
    }

    pub async fn team_members(&self, id: TeamId) -> Result<Page<TeamMember>> {
        self.get(&format!("/teams/{id}/members")).await
    }

    pub async fn add_team_member(&self, id: TeamId, user: UserId) -> Result<()> {
        self.send(self.request(Method::PUT, &format!("/teams/{id}/members/{user}"))).await.map(|_| ())
    }

    pub async fn remove_team_member(&self, id: TeamId, user: UserId) -> Result<()> {
        self.delete(&format!("/teams/{id}/members/{user}")).await
    }

    pub async fn audit(&self, filter: &AuditFilter) -> Result<Page<AuditEntry>> {
        self.get_with("/audit", filter).await
    }

    pub async fn verify_audit(&self) -> Result<AuditCheck> {
        self.get("/audit/verify").await
    }
}
