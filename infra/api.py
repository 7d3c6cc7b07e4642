"""AlgoApi: who people are, and the door they come in by."""

from __future__ import annotations

import json

from aws_cdk import ArnFormat, CfnOutput, Duration, RemovalPolicy, Tags
from aws_cdk import aws_apigatewayv2 as api
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.compute import ACCESS_LOG, API, ASKER
from infra.functions import log_group
from infra.nag import acknowledge
from infra.settings import PREFIX, USERS_PARAMETER, Settings, named
from infra.stack import AlgoStack

GROUPS = {"admin": "Publishes in the marketplace and operates the platform", "user": "Trades"}

SIGNED_IN = "http://localhost:8765/signed-in"
"""Where the command line waits for the browser after a sign-in (RFC 8252 lets an app listen on loopback)."""

PUBLIC_ROUTES = ("GET /callback/{account}", "GET /health")
"""A broker's login sends a browser here with no token of ours: a nonce of one use proves whose login it is."""

REQUESTS_PER_SECOND = 100

LOCAL_API_ID = "algoapi"
"""The emulator gives the HTTP API this id, so that its address is known before it exists."""


class ApiStack(AlgoStack):
    """The user pool, its public client, and the HTTP API that takes its tokens.

    One stack, so that the authorizer knows the pool without an export. The function is found by its fixed name.
    """

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(
            scope, "AlgoApi", settings, description="Users and the HTTP API of the basket platform"
        )
        self.pool = self._pool()
        self.client = self._client()
        self.http = self._api()
        ssm.StringParameter(
            self,
            "Pool",
            parameter_name=USERS_PARAMETER,
            string_value=self.pool.user_pool_id,
            description="The user pool, for the functions that ask it for an e-mail address",
        )
        CfnOutput(self, "UserPoolId", value=self.pool.user_pool_id)
        CfnOutput(self, "ClientId", value=self.client.user_pool_client_id)
        CfnOutput(self, "ApiUrl", value=self.http.api_endpoint)
        CfnOutput(self, "SignInUrl", value=self.domain.base_url())

    def _pool(self) -> cognito.UserPool:
        pool = cognito.UserPool(
            self,
            "Users",
            user_pool_name=named("users"),
            self_sign_up_enabled=True,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            keep_original=cognito.KeepOriginalAttrs(email=True),
            standard_attributes=cognito.StandardAttributes(
                email=cognito.StandardAttribute(required=True, mutable=True)
            ),
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_lowercase=True,
                require_uppercase=True,
                require_digits=True,
                require_symbols=True,
                temp_password_validity=Duration.days(3),
            ),
            mfa=cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(sms=False, otp=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            deletion_protection=not self.settings.local,
            removal_policy=RemovalPolicy.DESTROY if self.settings.local else RemovalPolicy.RETAIN,
        )
        for name, meaning in GROUPS.items():
            cognito.CfnUserPoolGroup(
                self,
                f"{name.capitalize()}Group",
                user_pool_id=pool.user_pool_id,
                group_name=name,
                description=meaning,
            )
        acknowledge(
            pool, "COG2", "A second factor (TOTP) is each user's choice; their brokers demand one anyway."
        )
        acknowledge(
            pool, "COG3", "Threat protection is priced by user; passwords are long and sign-ins are throttled."
        )
        acknowledge(pool, "COG8", "The Plus plan brings threat protection alone: see COG3.")
        return pool

    def _client(self) -> cognito.UserPoolClient:
        """For programs that can keep no secret: the command line, and a page in a browser."""
        self.domain = self.pool.add_domain(
            "SignIn",
            cognito_domain=cognito.CognitoDomainOptions(domain_prefix=f"{PREFIX}-{self.account}"),
        )
        return self.pool.add_client(
            "Public",
            user_pool_client_name=named("public"),
            generate_secret=False,
            auth_flows=cognito.AuthFlow(user_srp=True, user_password=True),
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL, cognito.OAuthScope.PROFILE],
                callback_urls=[SIGNED_IN],
                logout_urls=[SIGNED_IN],
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=Duration.hours(1),
            id_token_validity=Duration.hours(1),
            refresh_token_validity=Duration.days(30),
        )

    def _api(self) -> api.HttpApi:
        http = api.HttpApi(self, "Api", api_name=named("api"), create_default_stage=False)
        integration = self._integration("Handle", "Handler", API)
        signed_in = authorizers.HttpJwtAuthorizer(
            "SignedIn",
            f"https://cognito-idp.{self.region}.amazonaws.com/{self.pool.user_pool_id}",
            authorizer_name=named("users"),
            jwt_audience=[self.client.user_pool_client_id],
        )
        http.add_routes(path="/{proxy+}", integration=integration, authorizer=signed_in)
        http.add_routes(
            path="/lake/questions",
            methods=[api.HttpMethod.POST],
            integration=self._integration("Ask", "Asker", ASKER),
            authorizer=signed_in,
        )
        for route in PUBLIC_ROUTES:
            method, path = route.split(" ")
            http.add_routes(path=path, methods=[api.HttpMethod(method)], integration=integration)
        self._stage(http)
        acknowledge(
            http,
            "APIG4",
            "Every route asks for a token of the pool except the broker's login callback, which proves itself "
            "by a nonce of one use, and the health check, which tells nothing.",
        )
        if self.settings.local:
            Tags.of(http).add("ms-custom-id", LOCAL_API_ID)
        return http

    def _integration(self, name: str, handler_id: str, function: str) -> integrations.HttpLambdaIntegration:
        """Another stack's function, found by its fixed name."""
        handler = lambda_.Function.from_function_attributes(
            self,
            handler_id,
            function_arn=self.format_arn(
                service="lambda",
                resource="function",
                resource_name=named(function),
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            ),
            same_environment=True,
        )
        return integrations.HttpLambdaIntegration(name, handler)

    def _stage(self, http: api.HttpApi) -> None:
        logs = log_group(self, "Api", f"/aws/vendedlogs/apis/{named('api')}", self.settings)
        stage = http.add_stage(
            "Stage",
            stage_name="$default",
            auto_deploy=True,
            throttle=api.ThrottleSettings(rate_limit=REQUESTS_PER_SECOND, burst_limit=2 * REQUESTS_PER_SECOND),
        )
        resource = stage.node.default_child
        assert isinstance(resource, api.CfnStage)  # noqa: S101  (what CDK makes of a stage)
        resource.access_log_settings = api.CfnStage.AccessLogSettingsProperty(
            destination_arn=logs.log_group_arn, format=json.dumps(ACCESS_LOG)
        )
